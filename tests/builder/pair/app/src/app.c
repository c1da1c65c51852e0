/* Is it warm? Asks whoever knows the weather. */
#include "limit.h"
#include "app.h"

bool exports_app_warm(app_string_t *place)
{
    return acme_weather_api_now(place) > LIMIT;
}
