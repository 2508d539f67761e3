/* assets.h - files that the build put into the program (cmake/embed.cmake). */
#ifndef SERVER_ASSETS_H
#define SERVER_ASSETS_H

#include "api/api.h"

/* The page, as web/dist was at build time; none of it when it was not there. */
extern const struct api_asset assets[];
extern const size_t assets_n;

struct embedded {
    const char *name; /* "demo/water-pump.json", "demo/seattle-weather.csv" */
    struct slice bytes;
};
extern const struct embedded embedded_files[];
extern const size_t embedded_files_n;

#endif
