/* cli/cmd_sign.c: `loop sign`: a key's signature into a package. */
#include <stdlib.h>
#include <string.h>

#include "cli/keys.h"
#include "loop/package.h"

/* The one key of one's own, where there is one. */
static loop_error *only_key(const loop_keys *keys, const loop_key **ret)
{
    const loop_key *k;
    size_t n = 0;
    for (size_t i = 0; (k = loop_keys_at(keys, i)); i++) {
        if (!k->own || *k->revoked)
            continue;
        *ret = k;
        n++;
    }
    if (n == 1)
        return NULL;
    if (n)
        return loop_error_hint_set(loop_error_new(LOOP_USAGE, "with which of your %zu keys?", n),
                                   "--key NAME; `loop keys list` shows them");
    return loop_error_hint_set(loop_error_new(LOOP_NOT_FOUND, "you have no key to sign with"),
                               "loop keys new NAME");
}

/* Before anybody is asked for its password. *ret is for free(). */
static loop_error *choose_key(const char *name, char **ret)
{
    loop_keys *keys;
    const loop_key *k = NULL;
    loop_error *e = loop_keys_open(&keys);
    if (e)
        return e;
    e = name ? loop_keys_find(keys, name, &k) : only_key(keys, &k);
    if (!e && !k->own)
        e = loop_error_hint_set(
            loop_error_new(LOOP_NOT_FOUND, "the secret key of '%s' is not here", k->name),
            "one signs with a key of one's own: loop keys new NAME");
    if (!e)
        *ret = cli_format("%s", k->name);
    loop_keys_delete(keys);
    return e;
}

static loop_error *settle_key(const cli_args *args, char **ret_key, char **ret_password)
{
    cli_passwords p;
    loop_error *e = choose_key(cli_value(args, "--key"), ret_key);
    if (!e)
        e = cli_passwords_open(args, &p);
    if (e)
        return e;
    char *shown = cli_shown(*ret_key), *prompt = cli_format("Password of the key %s", shown);
    e = cli_password(&p, prompt, false, ret_password);
    free(prompt);
    free(shown);
    cli_passwords_done(&p);
    return e;
}

static void put_signed(const loop_package *p, const char *key, bool alone)
{
    fputs("signed ", stdout);
    cli_put(stdout, p->name);
    putchar(' ');
    cli_put(stdout, p->version);
    if (key) {
        fputs(" with the key ", stdout);
        cli_put(stdout, key);
    }
    fputs(alone ? "\n  into    " : "\n  in      ", stdout);
    cli_put(stdout, p->path);
    fputs("\n  digest  ", stdout);
    cli_put(stdout, p->digest);
    putchar('\n');
}

static loop_error *sign(const cli_args *args, const loop_sign_options *o)
{
    loop_packages *packages = NULL;
    loop_package_list *list = NULL;
    loop_error *e = loop_packages_open(NULL, &packages);
    if (!e)
        e = loop_packages_sign(packages, args->operands[0], o, &list);
    if (!e)
        put_signed(loop_package_list_at(list, 0), o->key, o->output != NULL);
    loop_package_list_delete(list);
    loop_packages_delete(packages);
    return e;
}

static loop_error *check(const cli_args *args)
{
    const char *class = cli_value(args, "--class");
    if (!args->operand_count)
        return loop_error_hint_set(loop_error_new(LOOP_USAGE, "which package?"),
                                   "loop sign FILE, with what `loop pack` made");
    if (class && strcmp(class, "trusted") != 0 && strcmp(class, "untrusted") != 0)
        return loop_error_new(LOOP_USAGE, "--class is trusted or untrusted");
    if (cli_has(args, "--signature") &&
        (cli_has(args, "--key") || class || cli_has(args, "--output")))
        return loop_error_new(LOOP_USAGE, "--signature adds one that is made already: neither "
                                          "--key, --class nor --output");
    return NULL;
}

static loop_error *run(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    const char *made = cli_value(args, "--signature"), *class = cli_value(args, "--class");
    char *key = NULL, *password = NULL, *text = NULL;
    loop_error *e = check(args);
    if (!e && made)
        e = cli_read_text(made, CLI_MAX_SIGNATURE, &text);
    else if (!e)
        e = settle_key(args, &key, &password);
    if (!e)
        e = sign(args, &(loop_sign_options){.key = key,
                                            .password = password,
                                            .trusted = class && *class == 't',
                                            .signature = text,
                                            .output = cli_value(args, "--output")});
    cli_password_free(password);
    free(text);
    free(key);
    return e;
}

static const cli_group group_sign = {
    "Signing",
    (const cli_option[]){
        {"--key", "NAME", "with this key of yours; where there is one, with that", NULL, NULL},
        {"--class", "CLASS", "as of this class (untrusted): what it asks of who trusts the key",
         NULL, "trusted|untrusted"},
        {"--output", "FILE", "write the signature alone, and leave the package as it is", NULL,
         "<file>"},
        {"--signature", "FILE", "add one that was made elsewhere, by --output or by minisign", NULL,
         "<file>"},
        {0},
    },
};

const cli_command cli_sign = {
    .name = "sign",
    .synopsis = "[options] FILE",
    .summary = "sign a package with a key of yours",
    .about =
        "Signs FILE, an archive or a layout of `loop pack`: its manifest, byte for byte, which "
        "says "
        "by digests what all the rest is. The signature becomes a part of the package, beside the "
        "manifest; the digest stays as it is. `loop push` publishes both, and what was pushed "
        "before can be signed later: push it again.\n\n"
        "The signature is one of minisign's. Its trusted comment says what was signed: name, "
        "version, class, time, key. Whoever checks it compares these, so that nothing can be shown "
        "under another name or as another version.\n\n"
        "--class trusted says that the package wants to be of the class `trusted`; it is for those "
        "who trust the key for that, and for nobody else.\n\n"
        "Where the key lies on another machine: the manifest is the file blobs/sha256/DIGEST of "
        "the "
        "archive; sign it there (minisign -S -t COMMENT), and add the signature with --signature.",
    .example = "loop sign --key ada build/acme-notes-0.1.0.tar",
    .shows = "asks for the password of the key and adds its signature to the archive",
    .operands = "<file>",
    .groups = (const cli_group *const[]){&group_sign, &cli_group_password, NULL},
    .max_operands = 1,
    .run = run,
};
