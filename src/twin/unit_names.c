/* Where a name of UDUNITS-2 means something else to the people of a plant, the name is here and
 * wins: pH is not a picohenry, mph not a milli-pico-hour, unit not a micronit.
 *
 * `g` stays the gram, as everywhere in UDUNITS-2 and UCUM.  Vibration in multiples of the
 * standard gravity is "gn", "g0", "gravity" or UCUM's "[g]".  `t` is the tonne, `ton` the short
 * ton, `C` the coulomb, `F` the farad (but see units_convert()). */
#include "twin/unit_names.h"

#include <stddef.h>

const char *const unit_own[] = {
    "doppel_gauge",     /* pressure above the air's: needs the air's to become absolute */
    "doppel_normal",    /* volumes at normal conditions */
    "doppel_acidity",   /* pH */
    "doppel_turbidity", /* NTU */
    "doppel_salinity",  /* PSU */
    "doppel_loudness",  /* dB with a weighting */
    "doppel_decibel",   /* dB of nobody knows what */
    "doppel_euro",      "doppel_dollar", NULL,
};

const struct unit_name unit_symbols[] = {
    /* temperature */
    {"degC", "°C|℃|ºC|C°|oC|Cel|°c|deg C"},
    {"degF", "°F|℉|ºF|F°|oF|[degF]|°f|deg F"},
    {"degR", "[degR]"},
    {"K", "°K|degK"},
    /* angle and turning */
    {"degree", "deg|°|º|deg."},
    {"arc_minute", "'|arcmin"},
    {"arc_second", "''|arcsec"},
    {"turn", "rev|revs|U|tr|rot"},
    {"rpm", "RPM|r/min|rev/min|revs/min|U/min|tr/min|{rpm}"},
    /* parts */
    {"percent", "pct|%RH|% RH|%rh|%r.h.|RH|%FS|%vol|vol%|%LEL|[%]|PCT"},
    {"0.001", "‰|permille"},
    {"1e-6", "[ppm]|PPM|ppmw"},
    {"1e-9", "[ppb]|PPB"},
    {"1", "ct|cts|pc|pcs|ea|pts|{count}|{counts}|[1]|#|units|unit|imp|pulse|pulses|step|steps"},
    /* pressure */
    {"psi", "PSI|psia|lb/in2|[psi]|lbf/in2"},
    {"psi.doppel_gauge", "psig|PSIG|psi(g)|psi(G)"},
    {"bar", "BAR|Bar|bara|bar(a)"},
    {"bar.doppel_gauge", "barg|BARG|bar(g)|bar(G)|barÜ"},
    {"mbar.doppel_gauge", "mbarg|mbar(g)"},
    {"kPa.doppel_gauge", "kPag|kPa(g)"},
    {"torr", "Torr|m[Hg]"},
    {"inch_H2O_39F", "inH2O|inH₂O|inWC|inwc|in.w.c.|[in_i'H2O]"},
    {"inHg", "[in_i'Hg]"},
    {"0.1 cmH2O", "mmH2O|mmH₂O|mmWC|mmWS"},
    {"100 cmH2O", "mH2O|mWC|mWS"},
    {"kgf/cm2", "kp/cm2|kg/cm2|kgf/cm²|kg/cm²"},
    /* flow and speed */
    {"l/min", "lpm|LPM|slpm|SLPM|L/m|lt/min|ltr/min"},
    {"l/hour", "lph|LPH"},
    {"l/s", "lps|LPS"},
    {"US_liquid_gallon/min", "gpm|GPM|gal/min"},
    {"US_liquid_gallon/hour", "gph|GPH|gal/h|gal/hr"},
    {"foot^3/min", "cfm|CFM|SCFM|scfm|ft3/min"},
    {"m3/hour", "cmh|CMH|cbm/h"},
    {"m3.doppel_normal/hour", "Nm3/h|Nm³/h|Nm3/hr|Sm3/h|Sm³/h"},
    {"m3.doppel_normal", "Nm3|Nm³|Sm3|Sm³"},
    {"l.doppel_normal/min", "Nl/min|NL/min"},
    {"mile/hour", "mph|MPH|mi/h"},
    {"km/hour", "kph|KPH|kmh|kmph|Km/h|KM/H"},
    {"foot/min", "fpm|FPM"},
    {"foot/s", "fps"},
    {"m/min", "mpm"},
    {"knot", "kn|kts|KT|[kn_i]"},
    {"standard_free_fall", "gn|g0|gₙ|[g]|G-force|g-force"},
    {"US_liquid_gallon", "[gal_us]"},
    /* electricity and energy */
    {"W.hour", "Wh"},
    {"A.hour", "Ah"},
    {"V.A", "va"},
    {"V.A.hour", "VAh"},
    {"W", "var|VAr|VAR|Var"},
    {"W.hour", "varh|VArh|VARh"},
    {"kW.hour", "KWH|kwh|KWh|Kwh"},
    {"kW", "KW|kw"},
    {"ohm", "Ohm|OHM|Ω|Ω"},
    {"N.m", "Nm|N-m|N•m"},
    {"V", "Vrms|Vdc|Vac|VDC|VAC"},
    {"A", "Arms|Adc|Aac|ADC|AAC|Amp|amp|Amps|amps"},
    {"mm/s", "mm/s RMS|mm/s rms|mm/sec"},
    {"Btu/hour", "BTU/h|BTU/hr|Btu/hr|btuh|BTUH"},
    {"hp", "HP|[HP]|bhp"},
    {"metric_horsepower", "PS|CV"},
    /* sound, light, water, air */
    {"doppel_decibel", "dB|DB|db"},
    {"doppel_loudness", "dBA|dB(A)|dba|dB(SPL)|dBSPL"},
    {"doppel_acidity", "pH|PH|[pH]"},
    {"doppel_turbidity", "NTU|FNU|FTU"},
    {"doppel_salinity", "PSU|psu"},
    {"lx", "LX|Lux|lux"},
    {"0.125", "okta|oktas|octa|octas"},
    {"1e-6 g/m3", "µg/m3|μg/m3|ug/m3|ug/m³"},
    /* rates and data */
    {"1/min", "bpm|BPM|cpm|spm|{beats}/min"},
    {"1/s", "cps|counts/s|cts/s"},
    {"kbyte", "KB|kB"},
    {"1e6 byte", "MB"},
    {"1e9 byte", "GB"},
    {"1e12 byte", "TB"},
    {"1024 byte", "KiB"},
    {"1048576 byte", "MiB"},
    {"1073741824 byte", "GiB"},
    {"1e3 bit/s", "kbps|kbit/s|Kbps"},
    {"1e6 bit/s", "Mbps|Mbit/s"},
    {"1e9 bit/s", "Gbps|Gbit/s"},
    /* time, length, mass */
    {"s", "sec|secs"},
    {"ms", "msec|msecs|millis"},
    {"hour", "hr|hrs|Hrs"},
    {"inch", "\"|in.|[in_i]"},
    {"foot", "[ft_i]"},
    {"US_liquid_gallon", "gal|gals"},
    {"US_fluid_ounce", "fl oz|fl.oz."},
    {"pound", "lbs|[lb_av]"},
    {"l", "lt|ltr|Ltr|ℓ"},
    {"m3", "cbm|CBM"},
    /* money */
    {"doppel_euro", "€|EUR"},
    {"doppel_dollar", "$|USD"},
    {NULL, NULL},
};

const struct unit_name unit_words[] = {
    {"degC", "celsius|degree celsius|degrees celsius|deg celsius|degrees c|degree c|centigrade|"
             "degrees centigrade|grad celsius"},
    {"degF", "fahrenheit|degree fahrenheit|degrees fahrenheit|deg fahrenheit|degrees f|degree f"},
    {"K", "kelvin|kelvins|degrees kelvin|degree kelvin"},
    {"degree", "degrees|degree|angular degree|angular degrees"},
    {"rpm", "rpm|revolutions per minute|turns per minute|rotations per minute"},
    {"percent", "percentage|per cent|relative humidity|percent rh|percent relative humidity"},
    {"1e-6", "parts per million"},
    {"1e-9", "parts per billion"},
    {"1", "count|counts|counter|number|piece|pieces|item|items|part|parts|index|score|ratio|"
          "fraction|factor|unit|units|people|persons|vehicles|events|messages"},
    {"psi", "psi|pounds per square inch"},
    {"bar", "bars"},
    {"lux", "lux|luxes"},
    {"standard_free_fall", "gravity|gravities|standard gravity|g force|gs"},
    {"W.hour", "watt hour|watt hours|watthours"},
    {"kW.hour", "kilowatt hour|kilowatt hours|kilowatthour|kilowatthours"},
    {"MW.hour", "megawatt hour|megawatt hours"},
    {"A.hour", "ampere hour|ampere hours|amp hour|amp hours"},
    {"W", "volt ampere reactive|volt amperes reactive"},
    {"A", "amp|amps"},
    {"l/min", "liters per minute|litres per minute|liter per minute|litre per minute"},
    {"l/s", "liters per second|litres per second"},
    {"l/hour", "liters per hour|litres per hour"},
    {"m3/hour", "cubic meters per hour|cubic metres per hour|cubic meter per hour"},
    {"m3", "cubic meter|cubic meters|cubic metre|cubic metres"},
    {"m2", "square meter|square meters|square metre|square metres"},
    {"foot^3", "cubic foot|cubic feet"},
    {"foot^3/min", "cubic feet per minute"},
    {"US_liquid_gallon/min", "gallons per minute"},
    {"mile/hour", "miles per hour"},
    {"km/hour", "kilometers per hour|kilometres per hour"},
    {"m/s", "meters per second|metres per second|meter per second"},
    {"m/s2", "meters per second squared|metres per second squared"},
    {"mm/s", "millimeters per second|millimetres per second"},
    {"doppel_decibel", "decibel|decibels"},
    {"doppel_acidity", "ph value"},
    {"doppel_euro", "euro|euros"},
    {"doppel_dollar", "us dollar|us dollars|dollar|dollars"},
    {"", "1|unitless|dimensionless"},
    {NULL, "none|no unit|nounit|n/a|boolean|bool|binary|on/off|"
           "true/false|yes/no|open/closed|0/1|text|string|state|status|enum|enumeration|mode|code|"
           "label|raw|flag|logical"},
    {NULL, NULL},
};
