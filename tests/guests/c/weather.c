/*
 * weather PLACE...: asks acme:weather/api (the interface of templates/sidecar-*) about each
 * place, and keeps what it hears in a diary.
 */
#include "gen/weather.h"
#include "guest.h"

static void show(const char *what, const acme_weather_api_reading_t *r)
{
    printf("%s: %.1f", what, r->celsius);
    if (r->wind.is_some)
        printf(", wind %.1f", r->wind.val);
    puts("");
}

int main(int argc, char **argv)
{
    weather_string_t name = TEXT(weather_string_t, "Ulm");
    acme_weather_api_own_diary_t diary = acme_weather_api_open_diary(&name);
    acme_weather_api_borrow_diary_t lent = acme_weather_api_borrow_diary(diary);
    acme_weather_api_reading_t reading;
    if (acme_weather_api_method_diary_warmest(lent, &reading))
        puts("a new diary is not empty");
    for (int i = 1; i < argc; i++) {
        acme_weather_api_problem_t problem;
        weather_string_t place = TEXT(weather_string_t, argv[i]);
        if (!acme_weather_api_now(&place, &reading, &problem)) {
            bool unknown = problem == ACME_WEATHER_API_PROBLEM_UNKNOWN_PLACE;
            printf("'%s': %s\n", argv[i], unknown ? "unknown place" : "no answer");
            continue;
        }
        show(argv[i], &reading);
        acme_weather_api_method_diary_note(lent, &reading);
    }
    if (acme_weather_api_method_diary_warmest(lent, &reading))
        show("warmest", &reading);
    acme_weather_api_diary_drop_own(diary);
    return 0;
}
