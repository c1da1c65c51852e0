/* wants-unknown [CITY]: needs acme:weather/api@1.0.0, which no host has by itself. */
#include "gen/odd.h"
#include "guest.h"

int main(int argc, char **argv)
{
    odd_string_t city = TEXT(odd_string_t, argument(argc, argv, 1, "Oslo")), error;
    acme_weather_api_report_t report;
    if (!acme_weather_api_forecast(&city, &report, &error)) {
        printf("no forecast: %.*s\n", (int)error.len, (char *)error.ptr);
        return 1;
    }
    printf("%.*s: %.1f C, %zu warnings\n", (int)report.city.len, (char *)report.city.ptr,
           (double)report.celsius, report.warnings.len);
    return 0;
}
