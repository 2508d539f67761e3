/* main.c - the program; command.c reads its command line, commands.c has its commands. */
#include "server/command.h"

#include "ask/ask.h"

#include <curl/curl.h>

int main(int argc, char **argv)
{
    asks_prepare();
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int code = command_main(argc, argv);
    curl_global_cleanup();
    return code;
}
