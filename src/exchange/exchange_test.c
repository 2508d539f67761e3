/* Tests of exchange: what maps to what, and that a round trip loses nothing, whatever stands there.
 */
#include "exchange/exchange.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct jval *parse(struct arena *a, const char *json)
{
    struct jval *v = NULL;
    struct json_error e;
    char *text = arena_strndup(a, json, strlen(json));
    for (char *p = text; *p; p++)
        if (*p == '\'')
            *p = '"';
    if (jdoc_parse(a, slice_str(text), &v, &e))
        fail_msg("%s at %zu of %s", e.message, e.offset, text);
    return v;
}

static const char *text_of_json(struct arena *a, const struct jval *v)
{
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 1);
    jval_write(&w, v);
    const char *text = arena_strndup(a, b.p, b.n);
    buf_release(&b);
    return text;
}

static void same(struct arena *a, const struct jval *got, const struct jval *wanted)
{
    if (!jval_equal(got, wanted))
        fail_msg("got %s\nwanted %s", text_of_json(a, got), text_of_json(a, wanted));
}

static struct exchange read_it(struct arena *a, enum exchange_format f, const char *json)
{
    struct exchange x;
    assert_int_equal(exchange_read(a, f, parse(a, json), &x), 0);
    return x;
}

static struct jval *write_it(struct arena *a, enum exchange_format f, const struct jval *types,
                             const struct jval *twins, struct exchange_opts opts)
{
    struct exchange x;
    struct jval *list = NULL;
    assert_int_equal(exchange_write(a, f, types, twins, &opts, &x, &list), 0);
    return list;
}

/* ---- documents of others, as their specifications have them ---- */

static const char thermostat[] =
    "[{'@context':['dtmi:dtdl:context;3','dtmi:dtdl:extension:quantitativeTypes;1'],"
    "'@id':'dtmi:com:example:Thermostat;2','@type':'Interface','displayName':{'en':'Thermostat',"
    "'de':'Raumregler'},'comment':'kept','extends':'dtmi:com:example:Base;1','contents':["
    "{'@type':['Telemetry','Temperature'],'name':'temp','schema':'double','unit':'degreeCelsius'},"
    "{'@type':'Telemetry','name':'where','schema':{'@type':'Object','fields':["
    "{'name':'x','schema':'float'},{'name':'label','schema':'string'}]}},"
    "{'@type':'Telemetry','name':'raw','schema':{'@type':'Array','elementSchema':'integer'}},"
    "{'@type':'Property','name':'setPoint','schema':'double','writable':true},"
    "{'@type':'Property','name':'serial','schema':'string'},"
    "{'@type':'Command','name':'reboot','request':{'name':'delay','schema':'integer'},"
    "'response':{'name':'at','schema':'dateTime'}},"
    "{'@type':'Relationship','name':'contains','target':'dtmi:com:example:Room;1',"
    "'minMultiplicity':0,'maxMultiplicity':5,'properties':[{'@type':'Property','name':'since',"
    "'schema':'date'}]},"
    "{'@type':'Component','name':'fan','schema':'dtmi:com:example:Fan;1'}],"
    "'schemas':[{'@id':'dtmi:com:example:mode;1','@type':'Enum','valueSchema':'integer',"
    "'enumValues':[{'name':'off','enumValue':0}]}]}]";

static const char lamp[] =
    "{'@context':['https://www.w3.org/2022/wot/td/v1.1',{'iot':'http://iotschema.org/'}],"
    "'id':'urn:uuid:0804d572-cce8-422a-bb7c-4412fcd56f06','@type':'iot:Light','title':'My lamp',"
    "'securityDefinitions':{'basic_sc':{'scheme':'basic','in':'header'}},'security':'basic_sc',"
    "'properties':{'status':{'type':'string','readOnly':true,'forms':[{'href':'https://x/"
    "status'}]},"
    "'lux':{'type':'integer','unit':'lux','readOnly':true,'observable':true,'forms':[]},"
    "'brightness':{'type':'integer','minimum':0,'maximum':100,'forms':[]}},"
    "'actions':{'toggle':{'input':{'type':'boolean'},'forms':[{'href':'https://x/toggle'}]}},"
    "'events':{'overheating':{'data':{'type':'string'},'forms':[]}},"
    "'links':[{'rel':'controlledBy','href':'urn:dev:ops:32473'},"
    "{'rel':'type','href':'./lamp.tm.jsonld','type':'application/tm+json'}]}";

static const char vehicle[] =
    "[{'id':'urn:ngsi-ld:Pump:001','type':'Pump','name':{'type':'Property','value':'Pump one'},"
    "'pressure':{'type':'Property','value':4.20,'unitCode':'BAR',"
    "'observedAt':'2025-11-02T14:00:00Z','precision':{'type':'Property','value':0.1}},"
    "'running':{'type':'Property','value':true},"
    "'colour':{'type':'Property','value':'red'},"
    "'feeds':{'type':'Relationship','object':'urn:ngsi-ld:Tank:7',"
    "'since':{'type':'Property','value':'2020'}},"
    "'location':{'type':'GeoProperty','value':{'type':'Point','coordinates':[13.4,52.5]}},"
    "'@context':['https://example.org/pump.jsonld']}]";

static const struct {
    enum exchange_format format;
    const char *json;
    bool types;
} others[] = {{EXCHANGE_DTDL, thermostat, true},
              {EXCHANGE_WOT, lamp, false},
              {EXCHANGE_NGSI_LD, vehicle, false}};

static void test_dtdl(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct exchange x = read_it(a, EXCHANGE_DTDL, thermostat);
    assert_int_equal(x.errors, 0);
    struct jval *type = jval_at(x.types, 0);
    jval_remove(type, SLICE_LIT("doppel:source"));
    same(a, type,
         parse(a, "{'id':'com:example:Thermostat.2','name':'Thermostat',"
                  "'extends':'com:example:Base.1','sensors':["
                  "{'id':'temp','name':'temp','type':'temperature','unit':'celsius'},"
                  "{'id':'where.x','name':'where.x','type':'measurement','unit':'none'},"
                  "{'id':'where.label','name':'where.label','type':'text','unit':'text'},"
                  "{'id':'serial','name':'serial','type':'text','unit':'text'}],"
                  "'settings':[{'name':'setPoint','schema':{'type':'number'}}],"
                  "'commands':[{'name':'reboot','input':{'type':'object','properties':"
                  "{'delay':{'type':'integer'}},'required':['delay']},'output':{'type':'object',"
                  "'properties':{'at':{'type':'string','format':'date-time'}},'required':['at']}}],"
                  "'relationships':[{'kind':'contains','target':'com:example:Room.1','min':0,"
                  "'max':5,'properties':{'type':'object','properties':{'since':{'type':'string',"
                  "'format':'date'}}}},{'kind':'fan','target':'com:example:Fan.1','min':1,'max':1}]"
                  "}"));
    assert_int_equal(x.notes_n, 1); /* the array */
    assert_string_equal(x.notes[0].pointer, "/0/contents/2");
    arena_free(a);
}

static void test_wot(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct exchange x = read_it(a, EXCHANGE_WOT, lamp);
    struct jval *twin = jval_at(x.twins, 0);
    assert_int_equal(x.errors, 0);
    same(a, jval_pointer(twin, "/identifier/value"),
         parse(a, "'urn:uuid:0804d572-cce8-422a-bb7c-4412fcd56f06'"));
    same(a, jval_get(twin, "sensors"),
         parse(a, "[{'id':'status','name':'status','type':'text','unit':'text'},"
                  "{'id':'lux','name':'lux','type':'measurement','unit':'lux'}]"));
    same(a, jval_get(twin, "doppel:settings"),
         parse(a, "[{'name':'brightness','schema':{'type':'integer','minimum':0,'maximum':100}}]"));
    same(a, jval_get(twin, "doppel:commands"),
         parse(a, "[{'name':'toggle','input':{'type':'boolean'}}]"));
    same(a, jval_get(twin, "doppel:relationships"),
         parse(a, "[{'kind':'controlledBy','target':'urn:dev:ops:32473'}]"));
    arena_free(a);
}

static void test_ngsi(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct exchange x = read_it(a, EXCHANGE_NGSI_LD, vehicle);
    struct jval *twin = jval_at(x.twins, 0);
    assert_int_equal(x.errors, 0);
    same(a, jval_get(twin, "sensors"),
         parse(a, "[{'id':'pressure','name':'pressure','type':'measurement','unit':'bar',"
                  "'currentValue':4.2,'timestamp':'2025-11-02T14:00:00Z'},"
                  "{'id':'running','name':'running','type':'boolean','unit':'boolean'}]"));
    same(a, jval_get(twin, "doppel:relationships"),
         parse(a, "[{'kind':'feeds','target':'urn:ngsi-ld:Tank:7'}]"));
    same(a, jval_pointer(twin, "/subjectOf/location/geo/latitude"), parse(a, "52.5"));
    struct jval *flat =
        write_it(a, EXCHANGE_NGSI_LD, NULL, x.twins, (struct exchange_opts){.concise = true});
    assert_non_null(flat);
    arena_free(a);
}

/* ---- what is wrong ---- */

static void test_errors(void **state)
{
    static const struct {
        enum exchange_format format;
        const char *json, *pointer, *words;
    } wrong[] = {
        {EXCHANGE_DTDL, "[1]", "/0", "object"},
        {EXCHANGE_DTDL, "{'@type':'Interface','@id':'dtmi:a;1'}", "", "@context"},
        {EXCHANGE_DTDL, "{'@context':'dtmi:dtdl:context;3','@type':'Property'}", "", "Interface"},
        {EXCHANGE_DTDL, "{'@context':'dtmi:dtdl:context;3','@type':'Interface','@id':'x'}", "",
         "DTMI"},
        {EXCHANGE_DTDL,
         "{'@context':'dtmi:dtdl:context;2','@type':'Interface','@id':'dtmi:a;1','contents':"
         "[{'@type':'Sensor','name':'x'}]}",
         "/contents/0", "Telemetry"},
        {EXCHANGE_DTDL,
         "{'@context':'dtmi:dtdl:context;2','@type':'Interface','@id':'dtmi:a;1','contents':"
         "[{'@type':'Telemetry','name':'1x','schema':'double'}]}",
         "/contents/0", "letter"},
        {EXCHANGE_DTDL,
         "{'@context':'dtmi:dtdl:context;2','@type':'Interface','@id':'dtmi:a;1','extends':"
         "{'@type':'Interface'}}",
         "/extends", "its own"},
        {EXCHANGE_WOT, "{'id':'urn:x'}", "", "@context"},
        {EXCHANGE_WOT, "{'@context':'https://www.w3.org/2022/wot/td/v1.1'}", "", "title"},
        {EXCHANGE_NGSI_LD, "[{'id':'urn:x'}]", "/0", "type"},
        {EXCHANGE_NGSI_LD, "[{'id':'urn:x','type':'T','feeds':{'type':'Relationship','object':7}}]",
         "/0/feeds/object", "id of an entity"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct arena *a = arena_new();
        struct exchange x = read_it(a, wrong[i].format, wrong[i].json);
        assert_int_equal(x.errors, 1);
        assert_true(x.notes[0].error);
        assert_string_equal(x.notes[0].pointer, wrong[i].pointer);
        if (!strstr(x.notes[0].message, wrong[i].words))
            fail_msg("%s does not speak of %s", x.notes[0].message, wrong[i].words);
        arena_free(a);
    }
}

/* ---- round trips ---- */

/* Of others: read and written it is what it was; with a change of ours only that differs. */
static void test_others_round(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct arena *a = arena_new();
        struct exchange x = read_it(a, others[i].format, others[i].json);
        struct jval *list =
            write_it(a, others[i].format, x.types, x.twins, (struct exchange_opts){0});
        struct jval *wanted = parse(a, others[i].json);
        if (wanted->type == J_OBJECT) {
            struct jval *one = jval_new(a, J_ARRAY);
            jval_append(one, wanted);
            wanted = one;
        }
        same(a, list, wanted);
        arena_free(a);
    }
}

static void test_changed(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct exchange x = read_it(a, EXCHANGE_DTDL, thermostat);
    struct jval *type = jval_at(x.types, 0);
    jval_set(a, jval_pointer(type, "/sensors/0"), SLICE_LIT("unit"), parse(a, "'fahrenheit'"));
    jval_take_out(jval_pointer(type, "/commands/0"));
    jval_append(jval_get(type, "sensors"),
                parse(a, "{'id':'noise','name':'noise','type':'noise','unit':'dB'}"));
    struct jval *list =
        write_it(a, EXCHANGE_DTDL, x.types, NULL, (struct exchange_opts){.strict = true});
    struct jval *wanted = jval_at(parse(a, thermostat), 0);
    jval_set(a, jval_pointer(wanted, "/contents/0"), SLICE_LIT("unit"),
             parse(a, "'degreeFahrenheit'"));
    jval_take_out(jval_pointer(wanted, "/contents/5"));
    jval_append(jval_get(wanted, "contents"),
                parse(a, "{'@type':['Telemetry','SoundPressure'],'name':'noise','schema':'double',"
                         "'unit':'decibel'}"));
    same(a, jval_at(list, 0), wanted);
    arena_free(a);
}

static const char our_type[] =
    "{'id':'Pump','name':'Pump','extends':['Machine','Rotating'],'description':'Moves water',"
    "'sensors':[{'id':'temp-1','name':'Bearing','type':'temperature','unit':'celsius',"
    "'normalRange':[10,80.50]},{'id':'on','name':'on','type':'state','unit':'boolean'}],"
    "'settings':[{'name':'speed','unit':'rpm','schema':{'type':'integer','maximum':3000},"
    "'default':1500}],'commands':[{'name':'stop','input':{'type':'object','properties':"
    "{'why':{'type':'string'},'now':{'type':'boolean'}}},'timeout':'30s'}],"
    "'relationships':[{'kind':'feeds','target':'Tank','max':2}],"
    "'defaults':{'dataStorage':{'historicalData':{'retentionPeriod':'1y'}}}}";
static const char our_twin[] =
    "{'@context':{'@vocab':'https://schema.org/','mvmd':'https://mvmd.org/v1/'},"
    "'@type':'DigitalDocument','name':'Pump 1','description':'In hall three',"
    "'identifier':{'@type':'PropertyValue','propertyID':'MVMD-ID','value':'pump-1'},"
    "'subjectOf':{'@type':'Product','name':'Water pump','serialNumber':'7'},"
    "'sensors':[{'id':'temp','name':'Bearing','type':'temperature','unit':'celsius',"
    "'currentValue':21.50,'timestamp':'2025-11-02T14:00:00Z','normalRange':[10,80]},"
    "{'id':'name','name':'n','type':'text','unit':'text'}],"
    "'doppel:commands':[{'name':'stop','timeout':'30s'}],"
    "'doppel:settings':[{'name':'speed','schema':{'type':'integer'},'default':3}],"
    "'doppel:relationships':[{'id':'r1','kind':'feeds','target':'tank-1','properties':{'m':1}},"
    "{'kind':'feeds','target':'tank-2'}],'x:unknown':[1,2.50,{'a':null}]}";

/* Of ours: the same, in each format that has a word for it. */
static void test_ours_round(void **state)
{
    (void)state;
    for (int f = 0; f < EXCHANGE_FORMATS; f++)
        for (int is_type = 0; is_type < 2; is_type++) {
            if ((f == EXCHANGE_DTDL && !is_type) || (f == EXCHANGE_NGSI_LD && is_type))
                continue;
            struct arena *a = arena_new();
            struct jval *own = parse(a, is_type ? our_type : our_twin),
                        *list = jval_new(a, J_ARRAY);
            struct exchange x;
            jval_append(list, jval_copy(a, own));
            struct jval *out = write_it(a, (enum exchange_format)f, is_type ? list : NULL,
                                        is_type ? NULL : list, (struct exchange_opts){0});
            assert_int_equal(exchange_read(a, (enum exchange_format)f, out, &x), 0);
            assert_int_equal(x.errors, 0);
            same(a, jval_at(is_type ? x.types : x.twins, 0), own);
            arena_free(a);
        }
}

/* Somebody elsewhere changed a value: that alone changes here. */
static void test_changed_elsewhere(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct jval *own = parse(a, our_twin), *list = jval_new(a, J_ARRAY);
    struct exchange x;
    jval_append(list, jval_copy(a, own));
    struct jval *out = write_it(a, EXCHANGE_NGSI_LD, NULL, list, (struct exchange_opts){0});
    jval_set(a, jval_pointer(out, "/0/temp"), SLICE_LIT("value"), parse(a, "22"));
    assert_int_equal(exchange_read(a, EXCHANGE_NGSI_LD, out, &x), 0);
    jval_set(a, jval_pointer(own, "/sensors/0"), SLICE_LIT("currentValue"), parse(a, "22"));
    same(a, jval_at(x.twins, 0), own);
    arena_free(a);
}

static void test_strict(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct jval *list = jval_new(a, J_ARRAY), *out;
    struct exchange x;
    jval_append(list, parse(a, our_type));
    assert_int_equal(exchange_write(a, EXCHANGE_DTDL, list, NULL,
                                    &(struct exchange_opts){.strict = true}, &x, &out),
                     0);
    assert_null(jval_get(jval_at(out, 0), "doppel:document"));
    assert_int_equal(x.notes_n, 2); /* temp-1 has another name, defaults are lost */
    same(a, jval_pointer(out, "/0/@id"), parse(a, "'dtmi:doppel:Pump;1'"));
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dtdl),         cmocka_unit_test(test_wot),
        cmocka_unit_test(test_ngsi),         cmocka_unit_test(test_errors),
        cmocka_unit_test(test_others_round), cmocka_unit_test(test_changed),
        cmocka_unit_test(test_ours_round),   cmocka_unit_test(test_changed_elsewhere),
        cmocka_unit_test(test_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
