"""The functions that dialogues with tools offer, what users say to need them, and what results are made of."""
from dataclasses import dataclass

from topics import CAPITALS, UNKNOWN_SLOTS

CITIES = sorted({city for _, city in CAPITALS} | set(UNKNOWN_SLOTS["place"][:10]) | set("""Amsterdam,Athens,Atlanta,Auckland,Austin,Baltimore,Bangkok,Barcelona,Basel,Bath,Belgrade,Bergen,Bilbao,Bologna,Bombay,Bordeaux,Boston,Bremen,Brighton,Bristol,Bruges,
Brno,Bucharest,Buffalo,Calgary,Cambridge,Cape Town,Cardiff,Casablanca,Chicago,Cleveland,Cologne,Cordoba,Cork,Dallas,Damascus,Delhi,Denver,Detroit,Dortmund,Dresden,Dubai,Durban,Edinburgh,Essen,
Florence,Frankfurt,Galway,Geneva,Genoa,Ghent,Glasgow,Gothenburg,Granada,Graz,Haifa,Hamburg,Hanoi,Hanover,Havana,Hong Kong,Honolulu,Houston,Innsbruck,Istanbul,Jakarta,Jena,Jerusalem,Karachi,Kassel,
Kiel,Kingston,Krakow,Kyoto,Lagos,Las Vegas,Leeds,Leipzig,Lille,Limerick,Linz,Liverpool,Los Angeles,Lucerne,Lyon,Malaga,Malmo,Manchester,Manila,Marseille,Melbourne,Memphis,Miami,Milan,Minsk,Montreal,
Mumbai,Munich,Nantes,Naples,Nashville,New York,Nice,Odessa,Orlando,Osaka,Oxford,Palermo,Perth,Philadelphia,Phoenix,Pisa,Porto,Portland,Potsdam,Prague,Quebec,Quito,Riga,Rio de Janeiro,Rotterdam,
Salzburg,San Diego,San Francisco,Sarajevo,Seattle,Seville,Shanghai,Siena,Singapore,Sofia,Split,Stuttgart,Sydney,Taipei,Tallinn,Tampere,Tel Aviv,Toronto,Toulouse,Trieste,Tunis,Turin,Utrecht,
Valencia,Vancouver,Venice,Verona,Vilnius,Wellington,Winnipeg,Zagreb,Zurich,München,Köln,Zürich,São Paulo,Málaga,Düsseldorf""".replace("\n", "").split(",")))
ZONES = ["UTC", "GMT", "Europe/Paris", "Europe/Berlin", "Europe/London", "Europe/Madrid", "Asia/Tokyo", "Asia/Seoul", "Asia/Shanghai", "America/New_York", "America/Chicago", "Africa/Cairo", "Australia/Sydney"]
SKY = ["sunny", "cloudy", "rainy", "light rain", "heavy rain", "snow", "clear", "foggy", "windy", "partly cloudy", "overcast", "stormy", "clear sky", "dry", "mild"]


@dataclass(frozen=True)
class Kind:
    """What a tool does: its names and descriptions, and the names that its parameters may have.

    A parameter is (its possible names, JSON type, possible descriptions)."""
    names: tuple
    descriptions: tuple
    parameters: tuple = ()


def kind(names, descriptions, *parameters):
    return Kind(tuple(names.split()), tuple(descriptions.split("|")),
                tuple((tuple(n.split()), t, tuple(d.split("|"))) for n, t, d in parameters))


KINDS = {
    "weather": kind("get_weather get_weather get_weather get_current_weather current_weather weather fetch_weather weather_report getWeather",
                    "Get the current weather in a city|Get the weather|Current weather of a city|Returns the current weather for a location|Get the current weather in a given location|Tells how the weather is|Get current weather for a city|The weather of a place",
                    ("city city city location location place town", "string", "The name of the city|The city|City name|The city and state, e.g. San Francisco, CA|Name of the place")),
    "time": kind("get_time get_time get_time get_current_time current_time time_now time clock getTime",
                 "Get the current time in a city|Get the time|Current time of a place|Returns the time in a given timezone|Tells what time it is|Get the current local time",
                 ("city city timezone timezone location place", "string", "The name of the city|The timezone|City name|The city or timezone|An IANA timezone, e.g. Europe/Paris")),
    "add": kind("add add add add_numbers sum plus addition",
                "Add two numbers|Adds two numbers|Returns the sum of a and b|The sum of two numbers|Adds two integers",
                ("a a a x first n1 left", "number", "The first number|First number|A number"), ("b b b y second n2 right", "number", "The second number|Second number|A number")),
}
WEIGHTS = {"weather": 10, "time": 5, "add": 4}

WEATHER = ("what is the weather in {}|what is the weather in {}|what's the weather in {}|what is the weather like in {}|what's the weather like in {}|how is the weather in {}|weather in {}|tell me the weather in {}|"
           "what is the weather in {} today|what's the weather like in {} today|is it raining in {}|is it cold in {}|how warm is it in {}|what is the temperature in {}|how is the weather in {} right now|current weather in {}|"
           "can you tell me the weather in {}|do i need an umbrella in {}|is it sunny in {}|get the weather for {}|please check the weather in {}|what's the current weather in {}").split("|")
TIME = ("what time is it in {}|what time is it in {}|what is the time in {}|what's the time in {}|time in {}|what is the current time in {}|tell me the time in {}|how late is it in {}|"
        "can you tell me the time in {}|what time is it now in {}|current time in {}").split("|")
ADD = ("what is {} + {}|what is {} plus {}|add {} and {}|{} + {}|{}+{}|{} plus {}|what is the sum of {} and {}|how much is {} + {}|calculate {} + {}|can you add {} and {}|please add {} and {}|what's {} + {}").split("|")
WHO = "who was {}|tell me about {}".split("|")
WHERE = "In which city?"
NOWHERE = {"weather": "what is the weather|what's the weather like|how is the weather|what's the weather today|weather|is it raining".split("|"),
           "time": "what time is it|what is the time|what's the time|tell me the time".split("|")}
ERRORS = ["not found", "unknown city", "timeout", "no connection", "service unavailable", "invalid argument", "too many requests", "internal error", "no such place", "permission denied"]
