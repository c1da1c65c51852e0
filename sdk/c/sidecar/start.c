/*
 * start.c: the handshake: what the provider is, as WELCOME says it; START; what the provider is
 * handed when it is opened; READY or FAIL. One thread, before there are others.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

#define LOG_LONGEST 16384u
#define NAME_LONGEST 256u

/* ---- WELCOME and START ---- */

bool sc_read_interfaces(const loop_provider *p)
{
    while (p->interfaces && p->interfaces[sc.interface_count].interface)
        sc.interface_count++;
    sc.interfaces = sc_alloc((sc.interface_count + 1) * sizeof *sc.interfaces);
    for (size_t i = 0; i < sc.interface_count; i++)
        sc.interfaces[i].provided = &p->interfaces[i];
    for (size_t i = 0; i < sc.interface_count; i++) {
        sc_interface *s = &sc.interfaces[i];
        const loop_interface *rows = s->provided->interface;
        while (rows->functions[s->function_count].name)
            s->function_count++;
        while (rows->resources && rows->resources[s->resource_count].name)
            s->resource_count++;
        s->functions = sc_alloc((s->function_count + 1) * sizeof *s->functions);
        for (size_t k = 0; k < s->function_count; k++) {
            const char *table = s->provided->functions;
            s->functions[k].implemented =
                !table || *(void (*const *)(void))(const void *)(table + rows->functions[k].offset);
            if (!sc_function_parse(rows->functions[k].type, &s->functions[k])) {
                fprintf(stderr, "error: '%s' of '%s' has the type %s, which cannot be carried\n",
                        rows->functions[k].name, rows->name, rows->functions[k].type);
                return false;
            }
        }
    }
    return true;
}

static void add_options(sc_buf *b)
{
    const loop_provider_option *o = sc.provider->options;
    size_t n = 0;
    while (o && o[n].name)
        n++;
    sc_add_number(b, n);
    for (size_t i = 0; i < n; i++) {
        sc_add_text(b, o[i].name);
        sc_add_text(b, o[i].type);
        sc_add_text(b, o[i].values ? o[i].values : "");
        sc_add_byte(b, o[i].fallback != NULL);
        if (o[i].fallback)
            sc_add_text(b, o[i].fallback);
        sc_add_text(b, o[i].help ? o[i].help : "");
    }
}

static void add_interface(sc_buf *b, const sc_interface *s)
{
    const loop_interface *i = s->provided->interface;
    sc_add_text(b, i->name);
    sc_add_text(b, i->version ? i->version : "");
    sc_add_number(b, s->function_count);
    for (size_t k = 0; k < s->function_count; k++) {
        sc_add_text(b, i->functions[k].name);
        sc_add_text(b, i->functions[k].type);
        sc_add_byte(b, s->functions[k].implemented);
    }
    sc_add_number(b, s->resource_count);
    for (size_t k = 0; k < s->resource_count; k++)
        sc_add_text(b, i->resources[k].name);
}

void sc_send_welcome(void)
{
    const loop_provider *p = sc.provider;
    sc_buf b = {0};
    sc_add_text(&b, "loop-sidecar");
    sc_add_number(&b, 1);
    sc_add_number(&b, 1);
    sc_add_text(&b, p->name);
    sc_add_text(&b, sc.version);
    sc_add_text(&b, p->summary ? p->summary : "");
    sc_add_byte(&b, p->dev_only);
    sc_add_number(&b, SC_CREDIT);
    sc_add_number(&b, SC_CALLS);
    sc_add_number(&b, 2u + sc_has_state() + sc_has_copies());
    sc_add_text(&b, "cancel");
    sc_add_text(&b, "shared-memory");
    if (sc_has_state())
        sc_add_text(&b, "state");
    if (sc_has_copies())
        sc_add_text(&b, "state-copy");
    add_options(&b);
    sc_add_number(&b, sc.interface_count);
    for (size_t i = 0; i < sc.interface_count; i++)
        add_interface(&b, &sc.interfaces[i]);
    sc_send(SC_WELCOME, 0, b.ptr, b.len);
    free(b.ptr);
}

char *sc_copy_text(loop_string s)
{
    char *copy = sc_alloc(s.len + 1);
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    return copy;
}

static void read_options(sc_in *in)
{
    const loop_provider_option *rows = sc.provider->options;
    size_t count = 0;
    while (rows && rows[count].name)
        count++;
    sc.options = sc_alloc((count + 1) * sizeof *sc.options);
    for (uint64_t n = sc_number(in, 32); n && !in->wrong; n--) {
        loop_string name = sc_text(in), value = sc_text(in);
        for (size_t i = 0; i < count; i++)
            if (loop_string_is(name, rows[i].name) && !sc.options[i])
                sc.options[i] = sc_copy_text(value);
    }
}

void sc_read_start(const sc_message *m)
{
    sc_in in = {.at = m->data, .end = m->data + m->len};
    uint64_t protocol = sc_number(&in, 32);
    if (in.wrong || protocol != 1)
        sc_broken("version %llu of the protocol, where 1 was offered",
                  (unsigned long long)protocol);
    bool shares = false;
    sc_text(&in); /* the host's name */
    for (uint64_t n = sc_number(&in, 32); n && !in.wrong; n--) {
        loop_string name = sc_text(&in);
        sc.may_cancel |= loop_string_is(name, "cancel");
        shares |= loop_string_is(name, "shared-memory");
        sc.may_state |= sc_has_state() && loop_string_is(name, "state");
    }
    sc.to_spend = (uint32_t)sc_number(&in, 32);
    uint32_t shared = (uint32_t)sc_number(&in, 32);
    sc.level = (loop_log_level)sc_number(&in, 32);
    sc_number(&in, 32); /* until READY is due */
    read_options(&in);
    if (in.wrong || sc.level > LOOP_LOG_ERROR)
        sc_broken("a START that is none: %s", in.wrong ? in.wrong : "a level");
    if (shares && shared && !sc_shared_map(shared))
        sc_broken("%u bytes of shared memory, which are not there", shared);
}

/* ---- what a provider is handed ---- */

static bool log_enabled(void *host, loop_log_level level)
{
    (void)host;
    return level >= sc.level;
}

static void add_field(sc_buf *b, const loop_log_field *f)
{
    sc_add_cut(b, f->name, NAME_LONGEST);
    sc_add_number(b, (uint64_t)f->kind);
    switch (f->kind) {
    case LOOP_LOG_TEXT: {
        char *text = sc_copy_text(f->of.text);
        sc_add_cut(b, text, LOG_LONGEST);
        free(text);
        break;
    }
    case LOOP_LOG_INTEGER: sc_add_signed(b, f->of.integer); break;
    case LOOP_LOG_FLOAT: sc_add(b, &f->of.number, sizeof f->of.number); break;
    case LOOP_LOG_BOOLEAN: sc_add_byte(b, f->of.boolean); break;
    }
}

static void send_log(void *host, const loop_log_entry *e)
{
    (void)host;
    sc_buf b = {0};
    if (!log_enabled(NULL, e->level))
        return;
    size_t n = e->field_count < 64 ? e->field_count : 64;
    sc_add_number(&b, (uint64_t)e->level);
    sc_add_number(&b, e->wall_ms);
    sc_add_cut(&b, e->target ? e->target : "", NAME_LONGEST);
    sc_add_cut(&b, e->message, LOG_LONGEST);
    sc_add_number(&b, n);
    for (size_t i = 0; i < n; i++)
        add_field(&b, &e->fields[i]);
    if (b.len <= SC_MAX_FRAME)
        sc_send(SC_LOG, 0, b.ptr, b.len);
    free(b.ptr);
}

static const loop_provider_option *row_of(const char *name, const char **ret_text)
{
    const loop_provider_option *rows = sc.provider->options;
    for (size_t i = 0; rows && rows[i].name; i++)
        if (strcmp(rows[i].name, name) == 0) {
            *ret_text = sc.options[i] ? sc.options[i] : rows[i].fallback;
            return &rows[i];
        }
    *ret_text = NULL;
    return NULL;
}

static const char *option(void *host, const char *name)
{
    const char *text;
    (void)host;
    row_of(name, &text);
    return text;
}

/* Which of "a|b" the text is. */
static uint64_t place_of(const char *values, const char *text)
{
    size_t len = strlen(text);
    for (uint64_t i = 0; *values; i++) {
        size_t n = strcspn(values, "|");
        if (n == len && memcmp(values, text, n) == 0)
            return i;
        values += n + (values[n] == '|');
    }
    return 0;
}

/* The host has checked it: digits, then a unit of the type, if any. */
static uint64_t option_number(void *host, const char *name)
{
    static const struct {
        const char *unit;
        uint64_t factor;
    } units[] = {{"KiB", 1u << 10}, {"MiB", 1u << 20}, {"GiB", 1u << 30}, {"ms", 1},
                 {"s", 1000},       {"m", 60000},      {"h", 3600000}};
    const char *text;
    char *rest;
    (void)host;
    const loop_provider_option *row = row_of(name, &text);
    if (!text)
        return 0;
    if (strcmp(row->type, "enum") == 0 || strcmp(row->type, "bool") == 0)
        return place_of(row->values ? row->values : "false|true", text);
    uint64_t n = strtoull(text, &rest, 10);
    for (size_t i = 0; i < SC_COUNT(units); i++)
        if (strcmp(units[i].unit, rest) == 0)
            return n * units[i].factor;
    return n;
}

static const char *no_place(void *host, const char *which)
{
    (void)host, (void)which;
    return NULL;
}

static const loop_services services = {
    .abi = LOOP_PROVIDER_ABI,
    .log = send_log,
    .log_enabled = log_enabled,
    .option = option,
    .option_number = option_number,
    .place = no_place,
};

/* ---- READY ---- */

void sc_begin(void)
{
    const loop_provider *p = sc.provider;
    loop_error *e = p->detect ? p->detect(&services) : NULL;
    if (!e && p->open)
        e = p->open(&services, &sc.self);
    if (e) {
        sc_buf b = {0};
        sc_error_write(&b, e);
        sc_send(SC_FAIL, 0, b.ptr, b.len);
        _exit(1);
    }
    pthread_mutex_lock(&sc.lock);
    sc.ready = true; /* and what `open` wrote is seen by the threads that call */
    pthread_mutex_unlock(&sc.lock);
    sc_send(SC_READY, 0, NULL, 0);
}
