/*
 * shop: the component of knowledge/bindings.md, which imports its stock and exports
 * its till; written against the canonical ABI by hand.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define STOCK(name) __attribute__((import_module("acme:shop/stock@0.1.0"), import_name(name)))
#define TILL(name) __attribute__((export_name("acme:shop/till@0.1.0#" name)))
#define RECEIPT(name)                                                                              \
    __attribute__((import_module("[export]acme:shop/till@0.1.0"), import_name(name)))

struct item {
    const char *name;
    size_t len;
    uint8_t has_price;
    uint32_t price;
    uint8_t is_default;
};

struct taken { /* result<u32, error> */
    uint8_t is_error;
    union {
        uint32_t left;
        uint8_t error;
    };
};

struct receipt {
    char text[64];
};

struct text {
    const char *ptr;
    size_t len;
};

STOCK("open") int32_t open_shelf(const char *name, size_t len);
STOCK("[method]shelf.take")
void take(int32_t shelf, const char *name, size_t len, uint32_t count, struct taken *ret);
STOCK("[resource-drop]shelf") void drop_shelf(int32_t shelf);
RECEIPT("[resource-new]receipt") int32_t new_receipt(struct receipt *receipt);

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size,
                                                                size_t align, size_t size)
{
    (void)old_size, (void)align;
    return realloc(old, size);
}

TILL("total") uint64_t total(const struct item *items, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += items[i].has_price ? items[i].price : 100;
    return sum;
}

TILL("sell") int32_t sell(const char *name, size_t len)
{
    struct receipt *r = calloc(1, sizeof *r);
    struct taken taken;
    int32_t shelf = open_shelf(name, len);
    take(shelf, name, len, 1, &taken);
    drop_shelf(shelf);
    if (taken.is_error)
        snprintf(r->text, sizeof r->text, "no %.*s", (int)len, name);
    else
        snprintf(r->text, sizeof r->text, "%.*s, %u left", (int)len, name, (unsigned)taken.left);
    return new_receipt(r);
}

TILL("[method]receipt.text") const struct text *text(const struct receipt *receipt)
{
    static struct text ret;
    ret.ptr = receipt->text;
    for (ret.len = 0; receipt->text[ret.len]; ret.len++)
        continue;
    return &ret;
}

TILL("[dtor]receipt") void drop_receipt(struct receipt *receipt)
{
    free(receipt);
}
