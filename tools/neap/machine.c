/* SPDX-License-Identifier: BSD-2-Clause */
/* Queries and requests about a guest's memory. What QEMU answers is input: it is checked. */
#include "machine.h"
#include "cmdline.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PERIPHERAL "/machine/peripheral/"

static struct json_object *property(const char *device, const char *name)
{
    struct json_object *arguments = json_object_new_object();
    char path[64];

    snprintf(path, sizeof(path), PERIPHERAL "%s", device);
    json_object_object_add(arguments, "path", json_object_new_string(path));
    json_object_object_add(arguments, "property", json_object_new_string(name));
    return arguments;
}

static int set_property(struct qmp *qmp, const char *device, const char *name, uint64_t value,
                        struct error *error)
{
    struct json_object *arguments = property(device, name);

    json_object_object_add(arguments, "value", json_object_new_uint64(value));
    return qmp_do(qmp, "qom-set", arguments, error);
}

static int bad_answer(const char *command, struct json_object *answer, struct error *error)
{
    return error_set(error, "QEMU's answer to %s makes no sense: %.300s", command,
                     json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN));
}

static int query_state(struct qmp *qmp, struct figures *figures, struct error *error)
{
    struct json_object *answer = qmp_call(qmp, "query-status", NULL, error);
    const char *state;
    int result = 0;

    if (answer == NULL)
        return -1;
    if (json_get_text(answer, "status", &state))
        snprintf(figures->state, sizeof(figures->state), "%s", state);
    else
        result = bad_answer("query-status", answer, error);
    json_object_put(answer);
    return result;
}

static int query_balloon(struct qmp *qmp, struct figures *figures, struct error *error)
{
    struct json_object *answer = qmp_call(qmp, "query-balloon", NULL, error);
    int result = 0;

    if (answer == NULL)
        return -1;
    if (!json_get_u64(answer, "actual", &figures->balloon) ||
        figures->balloon > figures->shape.boot)
        result = bad_answer("query-balloon", answer, error);
    json_object_put(answer);
    return result;
}

/* Our device in the list. Returns true if it is not there or all of it makes sense. */
static bool parse_device(struct json_object *device, struct figures *figures)
{
    struct shape *shape = &figures->shape;
    struct json_object *data;
    const char *id;

    if (!json_object_is_type(device, json_type_object) ||
        !json_object_object_get_ex(device, "data", &data))
        return false;
    if (!json_get_text(data, "id", &id) || strcmp(id, DEVICE_ELASTIC) != 0)
        return true;
    return json_get_u64(data, "max-size", &shape->elastic) &&
           json_get_u64(data, "block-size", &shape->block) &&
           json_get_u64(data, "size", &figures->plugged) &&
           json_get_u64(data, "requested-size", &figures->requested) && shape->block &&
           (shape->block & (shape->block - 1)) == 0 &&
           shape->elastic <= UINT64_MAX - shape->boot - shape->block &&
           figures->plugged <= shape->elastic && figures->requested <= shape->elastic;
}

static int query_elastic(struct qmp *qmp, struct figures *figures, struct error *error)
{
    struct json_object *answer = qmp_call(qmp, "query-memory-devices", NULL, error);
    bool good;

    if (answer == NULL)
        return -1;
    figures->shape.block = ELASTIC_BLOCK;
    good = json_object_is_type(answer, json_type_array);
    for (size_t i = 0; good && i < json_object_array_length(answer); i++)
        good = parse_device(json_object_array_get_idx(answer, i), figures);
    if (!good)
        bad_answer("query-memory-devices", answer, error);
    json_object_put(answer);
    return good ? 0 : -1;
}

/* A guest without a balloon driver has given none, a stopped one only old ones: no error. */
static int query_stats(struct qmp *qmp, struct figures *figures, struct error *error)
{
    struct json_object *stats,
        *answer = qmp_call(qmp, "qom-get", property(DEVICE_BALLOON, "guest-stats"), error);
    uint64_t stamp, now = (uint64_t)time(NULL);

    if (answer == NULL)
        return -1;
    figures->stats = json_get_u64(answer, "last-update", &stamp) && stamp + STATS_OLD >= now &&
                     json_object_object_get_ex(answer, "stats", &stats) &&
                     json_get_u64(stats, "stat-total-memory", &figures->total) &&
                     json_get_u64(stats, "stat-free-memory", &figures->free) &&
                     figures->total <= figures->shape.boot + figures->shape.elastic &&
                     figures->free <= figures->total;
    figures->stamp = figures->stats ? (int64_t)stamp : 0;
    json_object_put(answer);
    return 0;
}

int machine_query(struct qmp *qmp, const struct guest *guest, struct figures *figures,
                  struct error *error)
{
    *figures = (struct figures){.shape.boot = guest->memory};
    if (query_state(qmp, figures, error) || query_balloon(qmp, figures, error) ||
        query_elastic(qmp, figures, error) || query_stats(qmp, figures, error))
        return -1;
    return 0;
}

/* What gives memory comes first, so that a guest on its way down does not starve. */
int machine_request(struct qmp *qmp, const struct figures *figures, const struct plan *plan,
                    struct error *error)
{
    struct json_object *arguments = json_object_new_object();

    json_object_object_add(arguments, "value", json_object_new_uint64(plan->balloon));
    if (qmp_do(qmp, "balloon", arguments, error))
        return -1;
    if (figures->shape.elastic == 0)
        return 0;
    return set_property(qmp, DEVICE_ELASTIC, "requested-size", plan->requested, error);
}

int machine_poll_stats(struct qmp *qmp, struct error *error)
{
    return set_property(qmp, DEVICE_BALLOON, "guest-stats-polling-interval", STATS_SECONDS,
                        error);
}

int machine_look(const struct guest *guest, int timeout_ms, struct figures *figures,
                 struct error *error)
{
    struct qmp qmp;
    int result;

    if (guest_monitor(guest, timeout_ms, &qmp, error))
        return -1;
    result = machine_query(&qmp, guest, figures, error);
    qmp_close(&qmp);
    return result;
}

int machine_change(const struct guest *guest, int timeout_ms, const struct figures *figures,
                   const struct plan *plan, struct error *error)
{
    struct qmp qmp;
    int result;

    if (guest_monitor(guest, timeout_ms, &qmp, error))
        return -1;
    result = machine_request(&qmp, figures, plan, error);
    qmp_close(&qmp);
    return result;
}
