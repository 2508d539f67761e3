/* units.c - what others call the units of measurement.
 *
 * DTDL: the units of its quantitative types (DTDL v3, QuantitativeTypes v1),
 * with the semantic type that a unit is of.  NGSI-LD: the common codes of UN/CEFACT
 * Recommendation 20. The first row of a unit is how it is written, the others are only read. */
#include "exchange/internal.h"

static const struct {
    const char *own, *dtdl, *quantity;
} dtdl[] = {
    {"celsius", "degreeCelsius", "Temperature"},
    {"fahrenheit", "degreeFahrenheit", "Temperature"},
    {"kelvin", "kelvin", "Temperature"},
    {"Pa", "pascal", "Pressure"},
    {"kPa", "kilopascal", "Pressure"},
    {"bar", "bar", "Pressure"},
    {"mbar", "millibar", "Pressure"},
    {"psi", "poundPerSquareInch", "Pressure"},
    {"inHg", "inchesOfMercury", "Pressure"},
    {"mmHg", "millimetresOfMercury", "Pressure"},
    {"%", "percent", "RelativeHumidity"},
    {"1", "unity", "RelativeDensity"},
    {"m", "metre", "Length"},
    {"cm", "centimetre", "Length"},
    {"mm", "millimetre", "Length"},
    {"um", "micrometre", "Length"},
    {"nm", "nanometre", "Length"},
    {"km", "kilometre", "Length"},
    {"ft", "foot", "Length"},
    {"in", "inch", "Length"},
    {"mile", "mile", "Length"},
    {"nmile", "nauticalMile", "Length"},
    {"au", "astronomicalUnit", "Length"},
    {"m2", "squareMetre", "Area"},
    {"cm2", "squareCentimetre", "Area"},
    {"mm2", "squareMillimetre", "Area"},
    {"km2", "squareKilometre", "Area"},
    {"hectare", "hectare", "Area"},
    {"ft2", "squareFoot", "Area"},
    {"in2", "squareInch", "Area"},
    {"acre", "acre", "Area"},
    {"m3", "cubicMetre", "Volume"},
    {"cm3", "cubicCentimetre", "Volume"},
    {"l", "litre", "Volume"},
    {"ml", "millilitre", "Volume"},
    {"ft3", "cubicFoot", "Volume"},
    {"in3", "cubicInch", "Volume"},
    {"fluid_ounce", "fluidOunce", "Volume"},
    {"gallon", "gallon", "Volume"},
    {"l/s", "litrePerSecond", "VolumeFlowRate"},
    {"ml/s", "millilitrePerSecond", "VolumeFlowRate"},
    {"l/h", "litrePerHour", "VolumeFlowRate"},
    {"ml/h", "millilitrePerHour", "VolumeFlowRate"},
    {"g", "gram", "Mass"},
    {"kg", "kilogram", "Mass"},
    {"tonne", "tonne", "Mass"},
    {"slug", "slug", "Mass"},
    {"g/s", "gramPerSecond", "MassFlowRate"},
    {"kg/s", "kilogramPerSecond", "MassFlowRate"},
    {"g/h", "gramPerHour", "MassFlowRate"},
    {"kg/h", "kilogramPerHour", "MassFlowRate"},
    {"kg/m3", "kilogramPerCubicMetre", "Density"},
    {"g/m3", "gramPerCubicMetre", "Density"},
    {"s", "second", "TimeSpan"},
    {"ms", "millisecond", "TimeSpan"},
    {"us", "microsecond", "TimeSpan"},
    {"ns", "nanosecond", "TimeSpan"},
    {"min", "minute", "TimeSpan"},
    {"h", "hour", "TimeSpan"},
    {"day", "day", "TimeSpan"},
    {"year", "year", "TimeSpan"},
    {"Hz", "hertz", "Frequency"},
    {"kHz", "kilohertz", "Frequency"},
    {"MHz", "megahertz", "Frequency"},
    {"GHz", "gigahertz", "Frequency"},
    {"m/s", "metrePerSecond", "Velocity"},
    {"cm/s", "centimetrePerSecond", "Velocity"},
    {"km/s", "kilometrePerSecond", "Velocity"},
    {"m/h", "metrePerHour", "Velocity"},
    {"km/h", "kilometrePerHour", "Velocity"},
    {"mph", "milePerHour", "Velocity"},
    {"knot", "knot", "Velocity"},
    {"m/s2", "metrePerSecondSquared", "Acceleration"},
    {"cm/s2", "centimetrePerSecondSquared", "Acceleration"},
    {"gn", "gForce", "Acceleration"},
    {"radian", "radian", "Angle"},
    {"degree", "degreeOfArc", "Angle"},
    {"arcminute", "minuteOfArc", "Angle"},
    {"arcsecond", "secondOfArc", "Angle"},
    {"rad/s", "radianPerSecond", "AngularVelocity"},
    {"degree/s", "degreePerSecond", "AngularVelocity"},
    {"rps", "revolutionPerSecond", "AngularVelocity"},
    {"rpm", "revolutionPerMinute", "AngularVelocity"},
    {"rad/s2", "radianPerSecondSquared", "AngularAcceleration"},
    {"N", "newton", "Force"},
    {"lbf", "pound", "Force"},
    {"ounce_force", "ounce", "Force"},
    {"ton_force", "ton", "Force"},
    {"N.m", "newtonMetre", "Torque"},
    {"J", "joule", "Energy"},
    {"kJ", "kilojoule", "Energy"},
    {"MJ", "megajoule", "Energy"},
    {"GJ", "gigajoule", "Energy"},
    {"eV", "electronvolt", "Energy"},
    {"MeV", "megaelectronvolt", "Energy"},
    {"kWh", "kilowattHour", "Energy"},
    {"W", "watt", "Power"},
    {"uW", "microwatt", "Power"},
    {"mW", "milliwatt", "Power"},
    {"kW", "kilowatt", "Power"},
    {"MW", "megawatt", "Power"},
    {"GW", "gigawatt", "Power"},
    {"hp", "horsepower", "Power"},
    {"kWh/year", "kilowattHourPerYear", "Power"},
    {"A", "ampere", "Current"},
    {"uA", "microampere", "Current"},
    {"mA", "milliampere", "Current"},
    {"V", "volt", "Voltage"},
    {"mV", "millivolt", "Voltage"},
    {"uV", "microvolt", "Voltage"},
    {"kV", "kilovolt", "Voltage"},
    {"MV", "megavolt", "Voltage"},
    {"ohm", "ohm", "Resistance"},
    {"mohm", "milliohm", "Resistance"},
    {"kohm", "kiloohm", "Resistance"},
    {"Mohm", "megaohm", "Resistance"},
    {"C", "coulomb", "ElectricCharge"},
    {"F", "farad", "Capacitance"},
    {"mF", "millifarad", "Capacitance"},
    {"uF", "microfarad", "Capacitance"},
    {"nF", "nanofarad", "Capacitance"},
    {"pF", "picofarad", "Capacitance"},
    {"H", "henry", "Inductance"},
    {"mH", "millihenry", "Inductance"},
    {"uH", "microhenry", "Inductance"},
    {"T", "tesla", "MagneticInduction"},
    {"weber", "weber", "MagneticFlux"},
    {"lx", "lux", "Illuminance"},
    {"footcandle", "footcandle", "Illuminance"},
    {"cd/m2", "candelaPerSquareMetre", "Luminance"},
    {"cd", "candela", "LuminousIntensity"},
    {"lm", "lumen", "LuminousFlux"},
    {"W/m2", "wattPerSquareMetre", "Irradiance"},
    {"bit", "bit", "DataSize"},

    {"byte", "byte", "DataSize"},
    {"kibibyte", "kibibyte", "DataSize"},
    {"mebibyte", "mebibyte", "DataSize"},
    {"gibibyte", "gibibyte", "DataSize"},
    {"tebibyte", "tebibyte", "DataSize"},
    {"ppm", "partsPerMillion", "Concentration"},
    {"ppb", "partsPerBillion", "Concentration"},
    {"ppt", "partsPerTrillion", "Concentration"},
    {"dB", "decibel", "SoundPressure"},
    {"turn", "turn", "Angle"},
    {"hPa", "hectopascal", "Pressure"},
    {"inH2O", "inchesOfWater", "Pressure"},
    {"mg/m3", "milligramPerCubicMetre", "Density"},
    {"ug/m3", "microgramPerCubicMetre", "Density"},
    {"mg", "milligram", "Mass"},
    {"ug", "microgram", "Mass"},
    {"lb", "massPound", "Mass"},
    {"lb/h", "massPoundPerHour", "MassFlowRate"},
    {"m3/s", "cubicMetrePerSecond", "VolumeFlowRate"},
    {"m3/min", "cubicMetrePerMinute", "VolumeFlowRate"},
    {"m3/h", "cubicMetrePerHour", "VolumeFlowRate"},
    {"l/min", "litrePerMinute", "VolumeFlowRate"},
    {"ml/min", "millilitrePerMinute", "VolumeFlowRate"},
    {"gpm", "gallonPerMinute", "VolumeFlowRate"},
    {"cfm", "cubicFootPerMinute", "VolumeFlowRate"},
    {"Wh", "wattHour", "Energy"},
    {"MWh", "megawattHour", "Energy"},
    {"GWh", "gigawattHour", "Energy"},
    {"BTU", "britishThermalUnit", "Energy"},
    {"BTU/h", "britishThermalUnitPerHour", "Power"},
    {"A.h", "ampereHour", "ElectricCharge"},
    {"V.A", "voltAmpere", "ApparentPower"},
    {"kV.A", "kilovoltAmpere", "ApparentPower"},
    {"VAr", "voltAmpereReactive", "ReactivePower"},
    {"kVAr", "kilovoltAmpereReactive", "ReactivePower"},
    {"Bq", "becquerel", "Radioactivity"},
    {"Gy", "gray", "IonizingRadiationDose"},
    {"Sv", "sievert", "IonizingRadiationDose"},
    {"mHz", "millihertz", "Frequency"},
    {"gauss", "gauss", "MagneticInduction"},
    {"maxwell", "maxwell", "MagneticFlux"},
    {"kA", "kiloampere", "Current"},
    {"bit/s", "bitPerSecond", "DataRate"},
    {"byte/s", "bytePerSecond", "DataRate"},
};

static const struct {
    const char *own, *code;
} cefact[] = {
    {"celsius", "CEL"}, {"fahrenheit", "FAH"}, {"kelvin", "KEL"}, {"%", "P1"},
    {"1", "C62"},       {"Pa", "PAL"},         {"hPa", "A97"},    {"kPa", "KPA"},
    {"MPa", "MPA"},     {"bar", "BAR"},        {"mbar", "MBR"},   {"psi", "PS"},
    {"mmHg", "HN"},     {"m", "MTR"},          {"cm", "CMT"},     {"mm", "MMT"},
    {"um", "4H"},       {"km", "KMT"},         {"ft", "FOT"},     {"in", "INH"},
    {"mile", "SMI"},    {"m2", "MTK"},         {"cm2", "CMK"},    {"km2", "KMK"},
    {"hectare", "HAR"}, {"m3", "MTQ"},         {"cm3", "CMQ"},    {"l", "LTR"},
    {"ml", "MLT"},      {"gallon", "GLL"},     {"m3/h", "MQH"},   {"m3/s", "MQS"},
    {"l/s", "G51"},     {"l/min", "L2"},       {"l/h", "E32"},    {"g", "GRM"},
    {"mg", "MGM"},      {"kg", "KGM"},         {"tonne", "TNE"},  {"kg/s", "KGS"},
    {"kg/h", "E93"},    {"kg/m3", "KMQ"},      {"g/m3", "A93"},   {"mg/m3", "GP"},
    {"ug/m3", "GQ"},    {"s", "SEC"},          {"ms", "C26"},     {"us", "B98"},
    {"min", "MIN"},     {"h", "HUR"},          {"day", "DAY"},    {"week", "WEE"},
    {"month", "MON"},   {"year", "ANN"},       {"Hz", "HTZ"},     {"kHz", "KHZ"},
    {"MHz", "MHZ"},     {"GHz", "A86"},        {"rpm", "RPM"},    {"m/s", "MTS"},
    {"km/h", "KMH"},    {"mph", "HM"},         {"knot", "KNT"},   {"mm/s", "C16"},
    {"mm/h", "H67"},    {"m/s2", "MSK"},       {"gn", "K40"},     {"radian", "C81"},
    {"degree", "DD"},   {"N", "NEW"},          {"kN", "B47"},     {"N.m", "NU"},
    {"J", "JOU"},       {"kJ", "KJO"},         {"MJ", "3B"},      {"Wh", "WHR"},
    {"kWh", "KWH"},     {"MWh", "MWH"},        {"W", "WTT"},      {"kW", "KWT"},
    {"MW", "MAW"},      {"V.A", "D46"},        {"kV.A", "KVA"},   {"A", "AMP"},
    {"mA", "4K"},       {"V", "VLT"},          {"mV", "2Z"},      {"kV", "KVT"},
    {"ohm", "OHM"},     {"kohm", "B49"},       {"Mohm", "B75"},   {"S", "SIE"},
    {"uS/cm", "H61"},   {"F", "FAR"},          {"H", "81"},       {"T", "D33"},
    {"lx", "LUX"},      {"lm", "LUM"},         {"cd", "CDL"},     {"W/m2", "D54"},
    {"dB", "2N"},       {"ppm", "59"},         {"ppb", "61"},     {"byte", "AD"},
    {"bit", "A99"},     {"mol", "C34"},        {"pH", "Q30"},     {"NTU", "NTU"},
};

#define ROWS(table) (sizeof(table) / sizeof(table)[0])

struct slice unit_of_dtdl(struct slice unit)
{
    for (size_t i = 0; i < ROWS(dtdl); i++)
        if (slice_is(unit, dtdl[i].dtdl))
            return slice_str(dtdl[i].own);
    return (struct slice){0};
}

struct slice unit_to_dtdl(struct slice unit)
{
    for (size_t i = 0; i < ROWS(dtdl); i++)
        if (slice_is(unit, dtdl[i].own))
            return slice_str(dtdl[i].dtdl);
    return (struct slice){0};
}

struct slice quantity_of_unit(struct slice unit)
{
    for (size_t i = 0; i < ROWS(dtdl); i++)
        if (slice_is(unit, dtdl[i].dtdl))
            return slice_str(dtdl[i].quantity);
    return (struct slice){0};
}

struct slice unit_of_cefact(struct slice code)
{
    for (size_t i = 0; i < ROWS(cefact); i++)
        if (slice_is(code, cefact[i].code))
            return slice_str(cefact[i].own);
    return (struct slice){0};
}

struct slice unit_to_cefact(struct slice unit)
{
    for (size_t i = 0; i < ROWS(cefact); i++)
        if (slice_is(unit, cefact[i].own))
            return slice_str(cefact[i].code);
    return (struct slice){0};
}
