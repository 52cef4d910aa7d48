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
    "calculator": kind("calculator calculator calculate compute evaluate eval", "Evaluate an arithmetic expression|A calculator|Calculates the value of an expression|Do arithmetic",
                       ("expression expression expr formula input", "string", "The expression|An expression, e.g. 2 + 3|What to calculate")),
    "search": kind("search look_up web_search search lookup find search_web wikipedia", "Search the web|Look something up|Search for information|Look up a topic in an encyclopedia|Find information about a topic|Searches the internet",
                   ("query query query q topic text term", "string", "The search query|What to look for|The topic|Search terms")),
    "dice": kind("roll_dice roll_dice roll_die dice roll throw_dice", "Roll a die|Rolls a die with a number of sides|Roll dice|Throws a die and tells the number",
                 ("sides sides sides faces n", "integer", "The number of sides|Number of sides of the die|How many sides")),
    "cluster": kind("cluster_status cluster_status get_cluster_status cluster_info get_status status", "Get the status of the cluster|Status of the cluster|Tells how the cluster is|Returns the state of all shards|Shows which shards are up"),
}
WEIGHTS = {"weather": 10, "time": 7, "add": 6, "calculator": 3, "search": 6, "dice": 5, "cluster": 5}
RIVALS = {"add", "calculator"}  # they would answer the same questions: never in one list

WEATHER = ("what is the weather in {}|what is the weather in {}|what's the weather in {}|what is the weather like in {}|what's the weather like in {}|how is the weather in {}|weather in {}|tell me the weather in {}|"
           "what is the weather in {} today|what's the weather like in {} today|is it raining in {}|is it cold in {}|how warm is it in {}|what is the temperature in {}|how is the weather in {} right now|current weather in {}|"
           "can you tell me the weather in {}|do i need an umbrella in {}|is it sunny in {}|get the weather for {}|please check the weather in {}|what's the current weather in {}").split("|")
TIME = ("what time is it in {}|what time is it in {}|what is the time in {}|what's the time in {}|time in {}|what is the current time in {}|tell me the time in {}|how late is it in {}|"
        "can you tell me the time in {}|what time is it now in {}|current time in {}").split("|")
ADD = ("what is {} + {}|what is {} plus {}|add {} and {}|{} + {}|{}+{}|{} plus {}|what is the sum of {} and {}|how much is {} + {}|calculate {} + {}|can you add {} and {}|please add {} and {}|what's {} + {}").split("|")
CALCULATE = "what is {0} {2} {1}|calculate {0} {2} {1}|{0} {2} {1}|how much is {0} {2} {1}|compute {0} {2} {1}|what's {0} {2} {1}|{0}{2}{1}".split("|")
WORDED = {"+": "plus", "-": "minus", "*": "times", "/": "divided by"}
SEARCH = ("search for {}|look up {}|search the web for {}|please look up {}|find information about {}|can you look up {}|who was {}|tell me about {}|what is {}|search {}|google {}|what do you know about {}|find {}").split("|")
DICE = "roll a {}-sided die|roll a die with {} sides|roll a d{}|throw a {}-sided die|roll a dice with {} sides|please roll a {} sided die|roll the d{}".split("|")
SIX = "roll a die|roll a dice|throw a die|roll the dice|please roll a die|can you roll a die|roll a die for me|throw the dice".split("|")
STATUS = ("how is the cluster|what is the status of the cluster|cluster status|show me the cluster status|is the cluster ok|are all shards up|how many shards are up|status of the cluster|what is the cluster status|"
          "is the cluster healthy|how is the cluster doing|check the cluster|get the status of the cluster").split("|")
WHERE = "In which city?"
NOWHERE = {"weather": "what is the weather|what's the weather like|how is the weather|what's the weather today|weather|is it raining".split("|"),
           "time": "what time is it|what is the time|what's the time|tell me the time".split("|")}
ERRORS = ["not found", "unknown city", "timeout", "no connection", "service unavailable", "invalid argument", "too many requests", "internal error", "no such place", "permission denied"]
# What a search finds: sentences to copy, about nothing in particular.
FOUND = ["{} is a {} {}.", "{} was a {} {}.", "{} is known for its {} {}.", "There is a {1} {2} in {0}.", "{} has a {} {}."]
FOUND_WHAT = "bridge town river painter writer king garden station tower idea law engine bird house market theory song machine school castle harbour museum horse".split()
FOUND_HOW = "famous small old new great quiet red green strange simple large modern important beautiful forgotten German French".split()
