/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel command line.
 */
#include <arch/boot.h>
#include <neap/cmdline.h>
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/log.h>
#include <neap/sections.h>
#include <string.h>

#define APP_ARGS_MAX 32

LINKER_TABLE(struct cmdline_key, cmdline);

static char whole[BOOT_CMDLINE_MAX];
static char words[BOOT_CMDLINE_MAX]; /* `whole` cut into words */
static char *app_argv[APP_ARGS_MAX + 1] = {"neap"};
static int app_argc = 1;

const char *cmdline_text(void)
{
    return whole;
}

int cmdline_app_args(char ***argv)
{
    *argv = app_argv;
    return app_argc;
}

int parse_on_off(const char *text, bool *value)
{
    static const struct {
        const char *text;
        bool value;
    } known[] = {{"on", true}, {"off", false}, {"1", true},
                 {"0", false}, {"yes", true},  {"no", false}};

    for (unsigned i = 0; i < ARRAY_SIZE(known); i++) {
        if (strcmp(text, known[i].text) == 0) {
            *value = known[i].value;
            return 0;
        }
    }
    return -EINVAL;
}

/* Cut the next word out of *text: blanks separate, double quotes keep blanks. NULL: none left.
 */
static char *next_word(char **text)
{
    char *from = *text, *to, *word;
    bool quoted = false;

    while (*from == ' ' || *from == '\t' || *from == '\n')
        from++;
    if (*from == '\0')
        return NULL;
    word = to = from;
    for (; *from != '\0'; from++) {
        if (*from == '"')
            quoted = !quoted;
        else if (!quoted && (*from == ' ' || *from == '\t' || *from == '\n'))
            break;
        else
            *to++ = *from;
    }
    *text = *from == '\0' ? from : from + 1;
    *to = '\0';
    return word;
}

/* ---- unknown keys ---- */

#define NAME_MAX 32

/* How many letters have to be added, dropped or changed to make `b` of `a`. */
static unsigned edit_distance(const char *a, const char *b)
{
    unsigned row[NAME_MAX + 1], length = (unsigned)strlen(b);

    if (strlen(a) > NAME_MAX || length > NAME_MAX)
        return NAME_MAX;
    for (unsigned j = 0; j <= length; j++)
        row[j] = j;
    for (unsigned i = 1; a[i - 1] != '\0'; i++) {
        unsigned diagonal = row[0];

        row[0] = i;
        for (unsigned j = 1; j <= length; j++) {
            unsigned changed = diagonal + (a[i - 1] != b[j - 1]);

            diagonal = row[j];
            row[j] = MIN(changed, MIN(row[j], row[j - 1]) + 1);
        }
    }
    return row[length];
}

static void warn_unknown(const char *name)
{
    const struct cmdline_key *key;
    char near[96] = "";
    size_t used = 0;

    LINKER_TABLE_FOR_EACH(key, cmdline)
    {
        if (edit_distance(name, key->name) <= 2 && used < sizeof(near))
            used += (size_t)format_string(near + used, sizeof(near) - used, "%s%s",
                                          used ? " or " : "", key->name);
    }
    if (used > 0)
        log_warning("cmdline", "unknown key '%s' ignored: did you mean %s?", name, near);
    else
        log_warning("cmdline", "unknown key '%s' ignored: `help boot` lists the keys", name);
}

/* ---- parsing ---- */

static void apply(const struct cmdline_key *key, const char *value)
{
    int error = key->set(value);

    if (error != 0)
        log_warning("cmdline", "%s=%s ignored (%s): %s is %s", key->name, value,
                    error_name(error), key->name, key->help);
}

static void parse_word(char *word)
{
    const struct cmdline_key *key;
    char *value = strchr(word, '=');

    if (value)
        *value++ = '\0';
    LINKER_TABLE_FOR_EACH(key, cmdline)
    {
        if (strcmp(key->name, word) == 0) {
            apply(key, value ? value : "");
            return;
        }
    }
    warn_unknown(word);
}

static void collect_app_args(char *rest)
{
    char *word;

    while ((word = next_word(&rest)) != NULL) {
        if (app_argc > APP_ARGS_MAX - 1) {
            log_warning("cmdline", "more than %d arguments after --: '%s' and the rest ignored",
                        APP_ARGS_MAX - 1, word);
            break;
        }
        app_argv[app_argc++] = word;
    }
    app_argv[app_argc] = NULL;
}

void cmdline_parse(const char *text)
{
    size_t length = strlen(text);
    char *rest = words, *word;

    length = MIN(length, sizeof(whole) - 1);
    memcpy(whole, text, length);
    whole[length] = '\0';
    memcpy(words, whole, length + 1);
    while ((word = next_word(&rest)) != NULL) {
        if (strcmp(word, "--") == 0)
            break;
        parse_word(word);
    }
    collect_app_args(rest);
}

void cmdline_print_keys(void)
{
    const struct cmdline_key *key;

    LINKER_TABLE_FOR_EACH(key, cmdline)
    {
        kprintf("  %-16s %s\n", key->name, key->help);
    }
    kprintf("  %-16s %s\n", "--", "what follows are the application's arguments");
}
