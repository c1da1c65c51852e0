/* The weather, by the length of a name. */
#include "station.h"

uint32_t exports_acme_weather_api_now(station_string_t *place)
{
    uint32_t degrees = (uint32_t)place->len;
    station_string_free(place);
    return degrees;
}
