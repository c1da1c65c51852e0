/* cli/cmd_keys.c: `loop keys`: keys of one's own, and those of publishers whom one trusts. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/keys.h"
#include "loop/keys.h"

/* ---- showing ---- */

static void put_list(const char *before, const char *const *list)
{
    for (size_t i = 0; list[i]; i++) {
        fputs(i ? ", " : before, stdout);
        cli_put(stdout, list[i]);
    }
}

static void put_state(const loop_key *k)
{
    if (*k->revoked) {
        printf("%srevoked on %s", k->own ? "yours, " : "", k->revoked);
        if (*k->reason) {
            fputs(": ", stdout);
            cli_put(stdout, k->reason);
        }
        return;
    }
    fputs(k->own ? "yours" : "", stdout);
    if (k->known) {
        put_list(k->own ? ", may sign " : "may sign ", k->namespaces);
        printf("%s, since %s", k->trusted ? ", class trusted" : "", k->since);
    }
    if (*k->after)
        printf(", after %s", k->after);
}

static void put_key(const loop_key *k, size_t width)
{
    size_t n = cli_width(k->name);
    cli_put(stdout, k->name);
    printf("%*s  %s  ", n < width ? (int)(width - n) : 0, "", k->id);
    put_state(k);
    putchar('\n');
}

static void put_text(const char *key, const char *text)
{
    printf(",\"%s\":", key);
    cli_put_json(stdout, *text ? text : NULL);
}

static void put_json(const loop_key *k)
{
    fputs("{\"name\":", stdout);
    cli_put_json(stdout, k->name);
    put_text("id", k->id);
    put_text("key", k->text);
    put_text("file", k->file);
    printf(",\"own\":%s,\"known\":%s,\"class\":\"%s\",\"namespaces\":[", k->own ? "true" : "false",
           k->known ? "true" : "false", k->trusted ? "trusted" : "untrusted");
    for (size_t i = 0; k->namespaces[i]; i++) {
        fputs(i ? "," : "", stdout);
        cli_put_json(stdout, k->namespaces[i]);
    }
    putchar(']');
    put_text("since", k->since);
    put_text("after", k->after);
    put_text("publisher", k->publisher);
    put_text("revoked", k->revoked);
    put_text("reason", k->reason);
    putchar('}');
}

static loop_error *list(const cli_args *args)
{
    loop_keys *keys;
    loop_error *e = loop_keys_open(&keys);
    if (e)
        return e;
    const loop_key *k;
    size_t width = 0;
    bool json = cli_has(args, "--json");
    for (size_t i = 0; (k = loop_keys_at(keys, i)); i++)
        width = cli_width(k->name) > width ? cli_width(k->name) : width;
    for (size_t i = 0; (k = loop_keys_at(keys, i)); i++) {
        if (json) {
            fputs(i ? ",\n  " : "[\n  ", stdout);
            put_json(k);
        } else {
            put_key(k, width);
        }
    }
    bool any = loop_keys_at(keys, 0) != NULL;
    if (json)
        puts(any ? "\n]" : "[]");
    else if (!any)
        puts("no keys: `loop keys new NAME` makes one, `loop keys trust FILE` takes a publisher's");
    loop_keys_delete(keys);
    return NULL;
}

/* ---- making one ---- */

static loop_error *show_own(const char *name, const char *after)
{
    loop_keys *keys;
    const loop_key *k;
    loop_error *e = loop_keys_open(&keys);
    if (!e)
        e = loop_keys_find(keys, name, &k);
    if (!e) {
        printf("made the key %s, %s\n  public  ", k->name, k->id);
        cli_put(stdout, k->file);
        fputs("\n  secret  ", stdout);
        char *secret = cli_format("%.*s.key", (int)strlen(k->file) - 4, k->file);
        cli_put(stdout, secret);
        free(secret);
        if (after) {
            fputs("\n  after   ", stdout);
            cli_put(stdout, after);
            fputs(", which has signed it over: ", stdout);
            cli_put(stdout, k->file);
            fputs(".minisig", stdout);
        }
        printf("\n%s\n", k->text);
    }
    loop_keys_delete(keys);
    return e;
}

static loop_error *ask_for(cli_passwords *p, const char *what, const char *name, bool twice,
                           char **ret)
{
    char *shown = cli_shown(name);
    char *prompt = cli_format("%s %s", what, shown);
    loop_error *e = cli_password(p, prompt, twice, ret);
    free(prompt);
    free(shown);
    return e;
}

/* The old key and its password first: without them nothing is made. */
static loop_error *check_old(const char *after)
{
    loop_keys *keys;
    const loop_key *k;
    loop_error *e = loop_keys_open(&keys);
    if (e)
        return e;
    e = loop_keys_find(keys, after, &k);
    if (!e && !k->own)
        e = loop_error_hint_set(
            loop_error_new(LOOP_NOT_FOUND, "the secret key of '%s' is not here", k->name),
            "only a key of yours can sign another one over; `loop keys list` shows which are");
    else if (!e && *k->revoked)
        e = loop_error_hint_set(
            loop_error_new(LOOP_DENIED, "the key '%s' was revoked on %s", k->name, k->revoked),
            "what it signs counts no more: make one that takes over from none");
    loop_keys_delete(keys);
    return e;
}

/* The password of the old key is tried before the new one is made: a word that nobody keeps. */
static loop_error *try_old(const char *after, const char *password)
{
    const loop_signing word = {.name = "-", .version = "-", .bytes = ""};
    char *text;
    loop_error *e = loop_keys_sign(after, password, &word, &text);
    if (!e)
        loop_free(text);
    return e;
}

static loop_error *make(const cli_args *args, cli_passwords *p)
{
    const char *name = args->operands[1], *after = cli_value(args, "--after");
    char *password = NULL, *old = NULL;
    loop_error *e = loop_keys_may_be_called(name);
    if (!e && after)
        e = check_old(after);
    if (!e)
        e = ask_for(p, "Password for the new key", name, true, &password);
    if (!e && after)
        e = ask_for(p, "Password of the key", after, false, &old);
    if (!e && after)
        e = try_old(after, old);
    if (!e)
        e = loop_keys_new(name, password);
    if (!e && after) {
        e = loop_keys_hand_over(after, old, name);
        if (e)
            e = loop_error_hint_set(
                loop_error_wrap(e, "the key '%s' was made, and not signed over", name),
                "remove its two files (`loop keys list --json` has the one) and make it again, or "
                "go "
                "on with it as a key of its own");
    }
    cli_password_free(password);
    cli_password_free(old);
    return e ? e : show_own(name, after);
}

static loop_error *new_key(const cli_args *args)
{
    cli_passwords p;
    loop_error *e = cli_passwords_open(args, &p);
    if (e)
        return e;
    e = make(args, &p);
    cli_passwords_done(&p);
    return e;
}

/* ---- trusting ---- */

loop_error *cli_read_text(const char *path, size_t max, char **ret)
{
    FILE *f = fopen(path, "rbe");
    if (!f)
        return loop_error_new(errno == ENOENT ? LOOP_NOT_FOUND : LOOP_IO, "cannot read '%s': %s",
                              path, strerror(errno));
    char *text = cli_alloc(max + 2);
    size_t n = fread(text, 1, max + 1, f);
    bool bad = ferror(f) != 0;
    fclose(f);
    loop_error *e = NULL;
    if (bad)
        e = loop_error_new(LOOP_IO, "cannot read '%s'", path);
    else if (n > max || memchr(text, 0, n))
        e = loop_error_hint_set(loop_error_new(LOOP_INVALID, "'%s' is too long, or no text", path),
                                "a key (NAME.pub) and a signature (NAME.minisig) are a few lines");
    if (e)
        free(text);
    else
        *ret = text;
    return e;
}

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* By the name of one that is here. */
static loop_error *key_by_name(const char *what, char **ret_text, char **ret_file)
{
    loop_keys *keys;
    const loop_key *k;
    loop_error *e = loop_keys_open(&keys);
    if (e)
        return e;
    e = loop_keys_find(keys, what, &k);
    if (!e) {
        *ret_text = cli_format("%s", k->text);
        *ret_file = *k->file ? cli_format("%s", k->file) : NULL;
    } else {
        e = loop_error_hint_set(e, "a .pub file, the 56 characters in it, or a key of `loop keys "
                                   "list`");
    }
    loop_keys_delete(keys);
    return e;
}

loop_error *cli_read_key(const char *what, char **ret_text, char **ret_file)
{
    *ret_file = NULL;
    if (strlen(what) == 56 && strncmp(what, "RW", 2) == 0) {
        *ret_text = cli_format("%s", what);
        return NULL;
    }
    if (!is_file(what))
        return key_by_name(what, ret_text, ret_file);
    loop_error *e = cli_read_text(what, CLI_MAX_KEY, ret_text);
    if (!e)
        *ret_file = cli_format("%s", what);
    return e;
}

static void put_wish(const loop_key *k)
{
    fputs("The key ", stdout);
    cli_put(stdout, k->name);
    printf(", %s,\n", k->id);
    put_list("  may sign packages of  ", k->namespaces);
    printf("\n  of the class          %s\n", k->trusted ? "trusted" : "untrusted");
    if (*k->after)
        printf("  it takes over from    %s, which has signed that\n", k->after);
    puts(k->trusted
             ? "Its packages may get what only the class `trusted` does, where loop.yaml grants it."
             : "Its packages stay in their sandbox; to sign them says who they are from.");
}

static loop_error *ask_person(const cli_args *args)
{
    if (cli_has(args, "--yes"))
        return NULL;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return loop_error_hint_set(
            loop_error_new(LOOP_USAGE, "there is nobody to ask: this is no terminal"),
            "when you know whose key it is: loop keys trust --yes");
    fputs("Do you trust it? [y/N] ", stdout);
    fflush(stdout);
    return cli_says_yes() ? NULL
                          : loop_error_new(LOOP_CANCELLED, "it is not trusted; nothing was "
                                                           "recorded");
}

static loop_error *record(const cli_args *args, const loop_key_wish *wish)
{
    loop_keys *would;
    loop_error *e = loop_keys_look(wish, &would);
    if (e)
        return e;
    const loop_key *k = loop_keys_at(would, 0);
    put_wish(k);
    e = ask_person(args);
    if (!e)
        e = loop_keys_trust(wish);
    if (!e) {
        fputs("trusted: ", stdout);
        cli_put(stdout, k->name);
        putchar('\n');
    }
    loop_keys_delete(would);
    return e;
}

static loop_error *trust(const cli_args *args)
{
    const char *class = cli_value(args, "--class"), *namespace;
    char *text = NULL, *file = NULL, *beside = NULL, *handover = NULL;
    size_t n = 0;
    if (class && strcmp(class, "trusted") != 0 && strcmp(class, "untrusted") != 0)
        return loop_error_new(LOOP_USAGE, "--class is trusted or untrusted");
    loop_error *e = cli_read_key(args->operands[1], &text, &file);
    if (e)
        return e;
    beside = file ? cli_format("%s.minisig", file) : NULL;
    const char **namespaces = cli_alloc((args->given_count + 1) * sizeof *namespaces);
    while ((namespace = cli_value_at(args, "--namespace", n)))
        namespaces[n++] = namespace;
    if (beside && is_file(beside)) {
        free(text);
        text = NULL;
        e = cli_read_text(file, CLI_MAX_KEY, &text); /* as it is: that is what was signed */
        if (!e)
            e = cli_read_text(beside, CLI_MAX_SIGNATURE, &handover);
    }
    if (!e)
        e = record(args, &(loop_key_wish){.text = text,
                                          .handover = handover,
                                          .name = cli_value(args, "--name"),
                                          .namespaces = n ? namespaces : NULL,
                                          .class_name = class});
    free(namespaces);
    free(handover);
    free(beside);
    free(file);
    free(text);
    return e;
}

/* A thief could have handed it over, too. */
static loop_error *show_heirs(const char *name)
{
    loop_keys *keys;
    const loop_key *gone, *k;
    loop_error *e = loop_keys_open(&keys);
    if (e)
        return e;
    e = loop_keys_find(keys, name, &gone);
    for (size_t i = 0; !e && (k = loop_keys_at(keys, i)); i++)
        if (strcmp(k->after, gone->id) == 0 && !*k->revoked)
            printf("  %s took over from it and still counts: if that was not its owner's doing, "
                   "loop keys revoke %s\n",
                   k->name, k->name);
    loop_keys_delete(keys);
    return e;
}

static loop_error *take_back(const cli_args *args)
{
    const char *key = args->operands[1];
    loop_error *e = loop_keys_revoke(key, cli_value(args, "--reason"));
    if (e)
        return e;
    fputs("revoked: ", stdout);
    cli_put(stdout, key);
    puts("; nothing that it has signed is taken any more");
    return show_heirs(key);
}

/* ---- the command ---- */

static const struct {
    const char *name;
    size_t operands; /* with itself */
    loop_error *(*run)(const cli_args *args);
    const char *options; /* that it takes, a space behind each */
    const char *usage;
} actions[] = {
    {"list", 1, list, "--json ", "loop keys list"},
    {"new", 2, new_key, "--after --password-fd ", "loop keys new NAME"},
    {"trust", 2, trust, "--name --namespace --class --yes ",
     "loop keys trust KEY.pub --name ada --namespace acme"},
    {"revoke", 2, take_back, "--reason ", "loop keys revoke NAME"},
};

static bool takes(const char *options, const char *flag)
{
    char *word = cli_format("%s ", flag);
    const char *at = strstr(options, word);
    free(word);
    return at != NULL;
}

static loop_error *run(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    const char *what = args->operands[0] ? args->operands[0] : "list";
    size_t i = 0, count = sizeof actions / sizeof *actions;
    while (i < count && strcmp(actions[i].name, what) != 0)
        i++;
    if (i == count)
        return loop_error_hint_set(loop_error_new(LOOP_USAGE, "'loop keys' cannot '%s'", what),
                                   "it can new, list, trust or revoke");
    for (size_t k = 0; k < args->given_count; k++)
        if (!takes(actions[i].options, args->given[k].option->flag))
            return loop_error_new(LOOP_USAGE, "'loop keys %s' does not take '%s'", what,
                                  args->given[k].option->flag);
    size_t given = args->operand_count ? args->operand_count : 1;
    if (given != actions[i].operands)
        return loop_error_hint_set(
            loop_error_new(LOOP_USAGE, "'loop keys %s' takes %s", what,
                           actions[i].operands == 1 ? "no more words" : "one key"),
            "%s", actions[i].usage);
    return actions[i].run(args);
}

static const cli_group group_keys = {
    "Keys",
    (const cli_option[]){
        {"--after", "KEY", "new: a key of yours that it takes over from, and that signs it", NULL,
         NULL},
        {"--name", "NAME", "trust: what you call it", NULL, NULL},
        {"--namespace", "NAME", "trust: what it may sign: acme, or acme:notes; more than once",
         NULL, NULL},
        {"--class", "CLASS", "trust: the class that it may sign packages as, at most", NULL,
         "trusted|untrusted"},
        {"--yes", NULL, "trust: without asking, for those who know whose key it is", NULL, NULL},
        {"--reason", "TEXT", "revoke: why, for you to remember", NULL, NULL},
        {"--json", NULL, "list: print a JSON array", NULL, NULL},
        {0},
    },
};

const cli_command cli_keys = {
    .name = "keys",
    .synopsis = "[options] [list | new NAME | trust KEY | revoke KEY]",
    .summary = "make keys, and say whose packages to take",
    .about =
        "A publisher signs packages with a secret key; whoever has the public key can check that "
        "nobody else made them. Keys are minisign's, so either tool uses the other's. They and "
        "keys.yaml lie in the folder of your configuration, and count only while nobody else can "
        "change them.\n\n"
        "new: makes a pair, keys/NAME.key, which only its password opens, and keys/NAME.pub, which "
        "is to be given away. --after KEY: the new one takes over from a key of yours, which signs "
        "that in keys/NAME.pub.minisig: give both files away.\n\n"
        "trust: whose packages you take, as a .pub file, its 56 characters, or a key of your own. "
        "A key signs packages of the namespaces that you name, and no others; from then on, what "
        "is "
        "called that must be signed. Where a .minisig lies beside the file, from a key that you "
        "trust, name and namespaces are that one's.\n\n"
        "revoke: from now on nothing that the key has signed is taken, whenever it was. Its row "
        "stays, so that it cannot come back.\n\n"
        "list: this is what runs without a word.\n\n"
        "A password is asked for on the terminal. For scripts it is a line of the descriptor of "
        "--password-fd, or of the file that LOOP_KEY_PASSWORD_FILE names, which nobody else may "
        "read (with --after: the new key's, then the old one's). It takes a gigabyte of memory for "
        "some seconds to use one, so that it cannot be guessed quickly.",
    .example = "loop keys trust ada.pub --name ada --namespace acme",
    .shows = "shows what the key would be trusted for, asks, and records it",
    .operands = "list|new|trust|revoke",
    .groups = (const cli_group *const[]){&group_keys, &cli_group_password, NULL},
    .max_operands = 2,
    .run = run,
};
