/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * snprintf() for the kernel: no floating point, no locale, no allocation.
 */
#include <neap/format.h>
#include <stdbool.h>
#include <string.h>

struct output {
    char *buffer;
    size_t size;
    size_t length; /* that everything would have */
};

struct spec {
    bool left, zero, plus, space, alternate;
    int width;
    int precision; /* -1: none */
    char length;   /* 'H' for hh, 'h', 'l', 'L' for ll, 'j', 'z', 't', 0 */
};

static void emit(struct output *out, char c)
{
    if (out->length < out->size)
        out->buffer[out->length] = c;
    out->length++;
}

static void emit_repeated(struct output *out, char c, int count)
{
    while (count-- > 0)
        emit(out, c);
}

static void emit_text(struct output *out, const struct spec *spec, const char *text, int length)
{
    int padding = spec->width - length;

    if (!spec->left)
        emit_repeated(out, ' ', padding);
    for (int i = 0; i < length; i++)
        emit(out, text[i]);
    if (spec->left)
        emit_repeated(out, ' ', padding);
}

static void emit_string(struct output *out, const struct spec *spec, const char *text)
{
    int length = 0;

    if (text == NULL)
        text = "(null)";
    while ((spec->precision < 0 || length < spec->precision) && text[length] != '\0')
        length++;
    emit_text(out, spec, text, length);
}

/* Digits of `value`, the last one first; returns how many. */
static int to_digits(char digits[24], uint64_t value, unsigned base, bool upper)
{
    const char *symbols = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    int count = 0;

    for (; value != 0; value /= base)
        digits[count++] = symbols[value % base];
    return count;
}

static void emit_number(struct output *out, const struct spec *spec, uint64_t value,
                        unsigned base, bool upper, const char *prefix)
{
    char digits[24];
    int count = to_digits(digits, value, base, upper);
    int prefix_length = (int)strlen(prefix);
    int zeros = MAX(spec->precision < 0 ? 1 : spec->precision, 0) - count;
    int padding;

    if (spec->alternate && base == 8 && zeros <= 0)
        zeros = 1;
    zeros = MAX(zeros, 0);
    padding = spec->width - prefix_length - zeros - count;
    if (spec->zero && !spec->left && spec->precision < 0) {
        zeros += MAX(padding, 0);
        padding = 0;
    }
    if (!spec->left)
        emit_repeated(out, ' ', padding);
    for (int i = 0; i < prefix_length; i++)
        emit(out, prefix[i]);
    emit_repeated(out, '0', zeros);
    while (count > 0)
        emit(out, digits[--count]);
    if (spec->left)
        emit_repeated(out, ' ', padding);
}

/* va_list as a parameter may be an array type: a struct carries it by reference. */
struct arguments {
    va_list list;
};

static int64_t take_signed(struct arguments *args, char length)
{
    switch (length) {
    case 'H':
        return (signed char)va_arg(args->list, int);
    case 'h':
        return (short)va_arg(args->list, int);
    case 'l':
        return va_arg(args->list, long);
    case 'L':
        return va_arg(args->list, long long);
    case 'j':
        return va_arg(args->list, intmax_t);
    case 'z':
    case 't':
        return va_arg(args->list, ptrdiff_t);
    default:
        return va_arg(args->list, int);
    }
}

static uint64_t take_unsigned(struct arguments *args, char length)
{
    switch (length) {
    case 'H':
        return (unsigned char)va_arg(args->list, unsigned);
    case 'h':
        return (unsigned short)va_arg(args->list, unsigned);
    case 'l':
        return va_arg(args->list, unsigned long);
    case 'L':
        return va_arg(args->list, unsigned long long);
    case 'j':
        return va_arg(args->list, uintmax_t);
    case 'z':
    case 't':
        return va_arg(args->list, size_t);
    default:
        return va_arg(args->list, unsigned);
    }
}

static const char *parse_flags(const char *fmt, struct spec *spec)
{
    for (;; fmt++) {
        switch (*fmt) {
        case '-':
            spec->left = true;
            break;
        case '0':
            spec->zero = true;
            break;
        case '+':
            spec->plus = true;
            break;
        case ' ':
            spec->space = true;
            break;
        case '#':
            spec->alternate = true;
            break;
        default:
            return fmt;
        }
    }
}

static const char *parse_count(const char *fmt, struct arguments *args, int *count)
{
    if (*fmt == '*') {
        *count = va_arg(args->list, int);
        return fmt + 1;
    }
    *count = 0;
    for (; *fmt >= '0' && *fmt <= '9'; fmt++)
        *count = MIN(*count * 10 + (*fmt - '0'), 100000);
    return fmt;
}

static const char *parse_length(const char *fmt, struct spec *spec)
{
    if (*fmt == '\0' || strchr("hljzt", *fmt) == NULL)
        return fmt;
    spec->length = *fmt++;
    if (*fmt == spec->length && (*fmt == 'h' || *fmt == 'l'))
        spec->length = *fmt++ == 'h' ? 'H' : 'L';
    return fmt;
}

static const char *parse_spec(const char *fmt, struct arguments *args, struct spec *spec)
{
    *spec = (struct spec){.precision = -1};
    fmt = parse_flags(fmt, spec);
    fmt = parse_count(fmt, args, &spec->width);
    if (spec->width < 0) {
        spec->left = true;
        spec->width = -spec->width;
    }
    if (*fmt == '.')
        fmt = parse_count(fmt + 1, args, &spec->precision);
    return parse_length(fmt, spec);
}

static void convert_signed(struct output *out, const struct spec *spec, struct arguments *args)
{
    int64_t value = take_signed(args, spec->length);
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;

    emit_number(out, spec, magnitude, 10, false,
                value < 0     ? "-"
                : spec->plus  ? "+"
                : spec->space ? " "
                              : "");
}

static void convert(struct output *out, const struct spec *spec, char kind,
                    struct arguments *args)
{
    uint64_t value;
    char c;

    switch (kind) {
    case 'd':
    case 'i':
        convert_signed(out, spec, args);
        break;
    case 'u':
        emit_number(out, spec, take_unsigned(args, spec->length), 10, false, "");
        break;
    case 'o':
        emit_number(out, spec, take_unsigned(args, spec->length), 8, false, "");
        break;
    case 'x':
    case 'X':
        value = take_unsigned(args, spec->length);
        emit_number(out, spec, value, 16, kind == 'X',
                    !spec->alternate || value == 0 ? ""
                    : kind == 'X'                  ? "0X"
                                                   : "0x");
        break;
    case 'p':
        emit_number(out, spec, (uintptr_t)va_arg(args->list, void *), 16, false, "0x");
        break;
    case 'c':
        c = (char)va_arg(args->list, int);
        emit_text(out, spec, &c, 1);
        break;
    case 's':
        emit_string(out, spec, va_arg(args->list, const char *));
        break;
    default: /* not ours: show it, so that the mistake is seen */
        emit(out, '%');
        emit(out, kind);
        break;
    }
}

int format_string_v(char *buffer, size_t size, const char *fmt, va_list list)
{
    struct output out = {buffer, size, 0};
    struct arguments args;
    struct spec spec;

    va_copy(args.list, list);
    while (*fmt != '\0') {
        if (*fmt != '%') {
            emit(&out, *fmt++);
            continue;
        }
        fmt = parse_spec(fmt + 1, &args, &spec);
        if (*fmt == '\0')
            break;
        if (*fmt == '%')
            emit(&out, '%');
        else
            convert(&out, &spec, *fmt, &args);
        fmt++;
    }
    va_end(args.list);
    if (size > 0)
        buffer[MIN(out.length, size - 1)] = '\0';
    return (int)out.length;
}

int format_string(char *buffer, size_t size, const char *fmt, ...)
{
    va_list args;
    int length;

    va_start(args, fmt);
    length = format_string_v(buffer, size, fmt, args);
    va_end(args);
    return length;
}
