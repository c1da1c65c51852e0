/*
 * text: the checks of strings for guests whose strings are not UTF-8. Compiled
 * twice, into caller-utf16 and, with LATIN1, into caller-compact-utf16, where a
 * string is Latin-1 or UTF-16 as its length says (wasm-tools' name of
 * latin1+utf16). A core module against the canonical ABI, without bindings:
 * those know UTF-8 only. It imports a part of the world host-side and exports
 * the same `check` as caller does.
 *
 * Whoever writes a latin1+utf16 string makes it Latin-1 wherever that can be
 * done; so what comes back is compared in its encoding too.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct text {
    const void *ptr;
    uint32_t len; /* in code units; in a latin1+utf16 guest with WIDE if they are 16 bits */
} text;

typedef struct texts {
    const text *ptr;
    uint32_t len;
} texts;

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#ifdef LATIN1
#define WIDE 0x80000000u
#else
#define WIDE 0u
#endif
#define UTF16(literal) {literal, (COUNT(literal) - 1) | WIDE}

#define VALUES(name)                                                                               \
    __attribute__((import_module("loop:conformance/values@0.1.0"), import_name(name)))
#define THINGS(name)                                                                               \
    __attribute__((import_module("loop:conformance/things@0.1.0"), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))
#define CHECK "loop:conformance/check@0.1.0#"

VALUES("echo-string") void echo_string(const void *ptr, uint32_t len, text *ret);
VALUES("echo-list-string") void echo_list_string(const text *ptr, uint32_t len, texts *ret);
VALUES("echo-single") void echo_single(uint32_t tag, const void *ptr, uint32_t len, void *ret);
VALUES("echo-option-string")
void echo_option_string(uint32_t some, const void *ptr, uint32_t len, void *ret);
VALUES("echo-two") void echo_two(uint32_t p0, const void *ptr, uint32_t len, void *ret);
VALUES("echo-strings9") void echo_strings9(const text *params, text *ret);
VALUES("greeting") void greeting(text *ret);
VALUES("swallow") void swallow(const void *ptr, uint32_t len);
THINGS("[constructor]label") uint32_t label_new(const void *ptr, uint32_t len);
THINGS("[method]label.text") void label_text(uint32_t label, text *ret);
THINGS("[static]label.size") uint32_t label_size(uint32_t label);
THINGS("[resource-drop]label") void label_drop(uint32_t label);

/* --- memory: never freed, an instance lives for one round of checks --- */

extern unsigned char __heap_base;
static uintptr_t top;

EXPORT("cabi_realloc") void *cabi_realloc(void *old, size_t had, size_t align, size_t size)
{
    if (size <= had && had > 0)
        return old;
    top = ((top != 0 ? top : (uintptr_t)&__heap_base) + align - 1) & -align;
    unsigned char *ret = (unsigned char *)top;
    top += size;
    while (top > __builtin_wasm_memory_size(0) * 65536)
        if (__builtin_wasm_memory_grow(0, 1) == (size_t)-1)
            __builtin_trap();
    for (size_t i = 0; i < had; i++)
        ret[i] = ((unsigned char *)old)[i];
    return ret;
}

/* --- texts --- */

static bool is_wide(text t)
{
    return WIDE == 0 || (t.len & WIDE) != 0;
}

static uint32_t length(text t)
{
    return WIDE == 0 ? t.len : t.len & ~WIDE;
}

static uint16_t unit(text t, uint32_t i)
{
    return is_wide(t) ? ((const uint16_t *)t.ptr)[i] : ((const uint8_t *)t.ptr)[i];
}

static bool same(text a, text b)
{
    bool good = length(a) == length(b);
    for (uint32_t i = 0; good && i < length(a); i++)
        good = unit(a, i) == unit(b, i);
    return good;
}

/* Latin-1 wherever it can be, and aligned. */
static bool canonical(text t)
{
    bool must = WIDE == 0;
    for (uint32_t i = 0; i < length(t); i++)
        must = must || unit(t, i) > 0xff;
    return must == is_wide(t) && (uintptr_t)t.ptr % 2 == 0;
}

#ifdef LATIN1
/* These must be aligned to 2 as well. */
_Alignas(2) static const char plain[] = "plain", german[] = "gr\xfc\xdf dich", high[] = "\x80\xff";
#endif

static const text values[] = {
    UTF16(u""),
    UTF16(u"a"),
    UTF16(u"hello, world"),
    UTF16(u"\0"),
    UTF16(u"a\0b\0"),
    UTF16(u"\x7f\x80"),
    UTF16(u"é"),
    UTF16(u"ÿ\u0100"),
    UTF16(u"\u07ff\u0800"),
    UTF16(u"\xd7ff\ue000"),
    UTF16(u"\ufeff"),
    UTF16(u"\uffff\U00010000"),
    UTF16(u"世界"),
    UTF16(u"🌍"),
    UTF16(u"\U0010ffff"),
    UTF16(u"grüß dich, 世界 🌍"),
    UTF16(u"Latin-1 until its last character: é ÿ ß 世"),
#ifdef LATIN1
    {plain, 0},
    {plain, 5},
    {german, 9},
    {high, 3},
#endif
};

/* --- checks: the first problem, or NULL --- */

#define PROBLEM(literal)                                                                           \
    do {                                                                                           \
        static const text problem = UTF16(literal);                                                \
        return &problem;                                                                           \
    } while (0)
#define EXPECT_SAME(got, want)                                                                     \
    do {                                                                                           \
        if (!same(got, want))                                                                      \
            PROBLEM(u"another text came back");                                                    \
        if (!canonical(got))                                                                       \
            PROBLEM(u"a text came back in another form");                                          \
    } while (0)

static const text *check_string(void)
{
    for (size_t i = 0; i < COUNT(values); i++) {
        text got;
        echo_string(values[i].ptr, values[i].len, &got);
        EXPECT_SAME(got, values[i]);
    }
    return NULL;
}

static const text *check_list(void)
{
    texts got;
    echo_list_string(values, COUNT(values), &got);
    if (got.len != COUNT(values))
        PROBLEM(u"another length came back");
    for (size_t i = 0; i < COUNT(values); i++)
        EXPECT_SAME(got.ptr[i], values[i]);
    echo_list_string(values, 0, &got);
    if (got.len != 0)
        PROBLEM(u"something came back");
    return NULL;
}

static const text *check_payloads(void)
{
    struct {
        uint8_t tag;
        text value;
    } got;
    for (size_t i = 0; i < COUNT(values); i++) {
        echo_single(0, values[i].ptr, values[i].len, &got);
        EXPECT_SAME(got.value, values[i]);
        echo_option_string(1, values[i].ptr, values[i].len, &got);
        if (got.tag != 1)
            PROBLEM(u"some became none");
        EXPECT_SAME(got.value, values[i]);
        echo_two(255, values[i].ptr, values[i].len, &got);
        if (got.tag != 255)
            PROBLEM(u"another number came back");
        EXPECT_SAME(got.value, values[i]);
    }
    /* what is not there is not looked at */
    echo_option_string(0, (void *)3, 0xffffffff, &got);
    if (got.tag != 0)
        PROBLEM(u"none became some");
    return NULL;
}

static const text *check_parameters(void)
{
    text got[9];
    for (size_t i = 0; i + 9 <= COUNT(values); i++) {
        echo_strings9(values + i, got);
        for (size_t j = 0; j < 9; j++)
            EXPECT_SAME(got[j], values[i + j]);
    }
    return NULL;
}

static const text *check_greeting(void)
{
    static const text want = UTF16(u"grüß dich, 世界 🌍");
    text got;
    greeting(&got);
    EXPECT_SAME(got, want);
    swallow(got.ptr, got.len);
    return NULL;
}

static const text *check_label(void)
{
    for (size_t i = 0; i < COUNT(values); i++) {
        text got;
        uint32_t label = label_new(values[i].ptr, values[i].len);
        label_text(label, &got);
        EXPECT_SAME(got, values[i]);
        label_drop(label);
    }
    static const text greeting = UTF16(u"grüß dich, 世界 🌍");
    uint32_t label = label_new(greeting.ptr, greeting.len);
    if (label_size(label) != 24)
        PROBLEM(u"another size");
    label_drop(label);
    return NULL;
}

static const text *check_long(void)
{
    enum { LENGTH = 60001 };
    uint16_t *units = cabi_realloc(NULL, 0, 2, LENGTH * sizeof *units);
    for (size_t i = 0; i < LENGTH; i++)
        units[i] = (uint16_t)(i % 200 + 1);
    text value = {units, LENGTH | WIDE}, got;
    echo_string(value.ptr, value.len, &got);
    EXPECT_SAME(got, value);
    /* no longer Latin-1, at the end, in the middle, and in surrogates */
    units[LENGTH - 1] = 0x4e16;
    echo_string(value.ptr, value.len, &got);
    EXPECT_SAME(got, value);
    for (size_t i = 100; i + 1 < LENGTH; i += 200) {
        units[i] = 0xd83c;
        units[i + 1] = 0xdf0d;
    }
    echo_string(value.ptr, value.len, &got);
    EXPECT_SAME(got, value);
    return NULL;
}

/* --- the interface check --- */

static const text names[] = {UTF16(u"string"),     UTF16(u"list"),     UTF16(u"payloads"),
                             UTF16(u"parameters"), UTF16(u"greeting"), UTF16(u"label"),
                             UTF16(u"long")};
static const text *(*const checks[])(void) = {check_string,     check_list,     check_payloads,
                                              check_parameters, check_greeting, check_label,
                                              check_long};

EXPORT(CHECK "names") const texts *check_names(void)
{
    static const texts ret = {names, COUNT(names)};
    return &ret;
}

EXPORT(CHECK "run") const void *check_run(const void *ptr, uint32_t len)
{
    static struct {
        bool is_error;
        text error;
    } ret;
    text name = {ptr, len};
    static const text unknown = UTF16(u"there is no check of that name");
    const text *problem = &unknown;
    for (size_t i = 0; i < COUNT(checks); i++)
        if (same(name, names[i]))
            problem = checks[i]();
    ret.is_error = problem != NULL;
    if (problem != NULL)
        ret.error = *problem;
    return &ret;
}
