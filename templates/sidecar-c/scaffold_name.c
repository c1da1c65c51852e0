/* A provider of scaffold-space:scaffold-name/api (wit/scaffold_name.wit) for loop, as a program in
   C. `make` builds it; in loop.yaml: bind: scaffold-space:scaffold-name/api: { sidecar:
   [build/scaffold_name], warmer: 2 } */
#include <stdio.h>
#include <stdlib.h>

#include "scaffold_name.h"
#include "loop-sidecar/loop_sidecar.h"

typedef scaffold_space_scaffold_name_api_option_reading option_t;
typedef scaffold_space_scaffold_name_api_result_reading_problem result_t;

typedef struct scaffold_space_scaffold_name_api_diary {
    option_t warmest;
    char place[];
} diary_t;

/* Ask a real service here. It may wait: loop_call_cancelled says when to hurry. */
static loop_error *now(void *self, loop_call *call, loop_string place, result_t *ret)
{
    const loop_services *host = self;
    if ((ret->is_err = place.len == 0)) {
        ret->of.error = SCAFFOLD_SPACE_SCAFFOLD_NAME_API_PROBLEM_UNKNOWN_PLACE;
        return NULL; /* an error is for what breaks the contract, and ends the component */
    }
    host->log(host->host,
              &(loop_log_entry){.level = LOOP_LOG_DEBUG, .message = "looked out of the window"});
    ret->of.ok.celsius = (float)host->option_number(host->host, "warmer");
    for (size_t i = 0; i < place.len; i++)
        ret->of.ok.celsius += (place.ptr[i] & 0xc0) != 0x80; /* characters */
    ret->of.ok.wind = (loop_option_f32){memchr(place.ptr, ' ', place.len) != NULL, 3.5f};
    return NULL;
}

static loop_error *open_diary(void *self, loop_call *call, loop_string place, diary_t **ret)
{
    if (!(*ret = calloc(1, sizeof **ret + place.len + 1)))
        return loop_error_new(LOOP_SYSTEM, "no memory for a diary");
    memcpy((*ret)->place, place.ptr, place.len); /* arguments live until the function returns */
    return NULL;
}

static loop_error *note(void *self, loop_call *call, diary_t *d,
                        const scaffold_space_scaffold_name_api_reading *r)
{
    if (!d->warmest.is_some || r->celsius > d->warmest.value.celsius)
        d->warmest = (option_t){true, *r};
    return NULL;
}

static loop_error *warmest(void *self, loop_call *call, diary_t *diary, option_t *ret)
{
    *ret = diary->warmest;
    return NULL;
}

static void close_diary(void *self, diary_t *diary)
{
    printf("the diary of %s is closed\n", diary->place); /* goes to loop's log */
    free(diary);
}

static loop_error *start(const loop_services *host, void **ret_self)
{
    *ret_self = (void *)(uintptr_t)host; /* what each function gets as `self` */
    return NULL;
}

static const scaffold_space_scaffold_name_api_functions api = {now, note, warmest, open_diary,
                                                               close_diary};
static const loop_provider provider = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "scaffold-name",
    .summary = "the weather by the length of a name",
    .interfaces = (loop_provider_interface[]){{&scaffold_space_scaffold_name_api_interface, &api},
                                              {NULL, NULL}},
    .options = (loop_provider_option[]){{"warmer", "number", NULL, "0", "degrees"}, {NULL}},
    .threads = LOOP_THREADS_SERIAL,
    .open = start};

int main(void)
{
    return loop_sidecar_main(&provider, "0.1.0");
}
