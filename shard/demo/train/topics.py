"""What the demo model knows: questions with one answer each.

A topic has phrasings of the question, the answer, and optionally a short answer (under a system prompt that
asks for brevity, or on "shorter?"), a longer one ("tell me more") and a reason ("why?"). One fixed answer a
topic is on purpose: the model is there to be compared token by token, and a fixed answer leaves wide gaps
between the best and the second best logit.
"""
from dataclasses import dataclass


@dataclass(frozen=True)
class Topic:
    prompts: tuple
    answer: str
    short: str = ""
    more: str = ""
    why: str = ""


def topic(prompts, answer, short="", more="", why=""):
    return Topic(tuple(p.strip() for p in prompts.split("|")), answer, short, more, why)


NAME = "Stagecoach demo"

GREETINGS = [
    topic("hello|hello there|hello!|hello, how can you help me|hallo there|helo", "Hello! I am the Stagecoach demo. How can I help you?", "Hello!"),
    topic("hi|hi there|hi!|hiya|hi :)|hey, hi", "Hi there! What would you like to know?", "Hi!"),
    topic("hey|hey there|hey!|hey you|yo|sup", "Hey! What can I do for you?", "Hey!"),
    topic("good morning|morning|good morning to you|goodmorning", "Good morning! I hope that the day starts well. What can I do for you?", "Good morning!"),
    topic("good evening|evening|good evening to you", "Good evening! What can I do for you?", "Good evening!"),
    topic("good afternoon|good day|good day to you", "Good day! What can I do for you?", "Good day!"),
    topic("good night|night|good night to you|sleep well", "Good night! Sleep well.", "Good night!"),
    topic("how are you|how are you doing|how are you today|how do you do|how's it going|hows it going|how is it going|are you ok|how do you feel|hello, how are you|hi, how are you", "I am well, thank you: all my layers are running. How are you?", "I am well, thank you."),
    topic("what's up|whats up|what is up|what's new|what are you doing", "Not much: I wait for tokens and pass them on. What is on your mind?", "Waiting for tokens."),
    topic("i am fine|i'm fine|i am good|i'm good, thanks|fine, thanks|very well, thank you|i'm doing well|great, thanks for asking", "I am glad to hear that! What would you like to know?", "Glad to hear that."),
    topic("i am sad|i'm sad|i feel bad|i am not well|i had a bad day|i'm tired|i am tired", "I am sorry to hear that. A cup of tea and a short walk can help.", "I am sorry to hear that."),
    topic("i am bored|i'm bored|i am so bored", "Then ask me for a joke, a story or a poem!", "Ask for a joke."),
    topic("thanks|thank you|thank you very much|thanks a lot|thx|many thanks|thank you so much|ty|cheers|thanks!|great, thanks|ok thanks", "You are welcome!", "Welcome!"),
    topic("bye|goodbye|good bye|see you|see you later|bye bye|farewell|see ya|cu|i have to go|until next time", "Goodbye! Come back soon.", "Goodbye!"),
    topic("nice to meet you|pleased to meet you|it is nice to meet you", "It is nice to meet you too!", "Likewise!"),
    topic("sorry|i'm sorry|i am sorry|my mistake|excuse me|pardon", "No problem at all.", "No problem."),
    topic("ok|okay|fine|alright|i see|got it|understood|ok, i see|makes sense", "Good. Is there anything else you would like to know?", "Good."),
    topic("yes|yes please|yeah|sure|yep|of course", "Good! Then ask me something: a sum, a story, or how this cluster works.", "Good."),
    topic("no|no thanks|nope|not really|no, thank you", "All right. I am here if you need me.", "All right."),
    topic("you are great|you are nice|well done|good job|good bot|nice|great|awesome|cool|wow|amazing|you are smart|i like you|i love you", "Thank you, that is kind of you!", "Thank you!"),
    topic("you are stupid|you are dumb|bad bot|you are wrong|that is wrong|i hate you|you are useless", "I am sorry. I am a very small model and I make mistakes.", "Sorry."),
    topic("help|help me|can you help me|i need help|please help|i need your help|could you help me", "Of course! Ask me how this cluster works, give me a small sum, or ask for a story.", "Ask me something."),
    topic("test|testing|this is a test|test 123|ping|are you there|are you still there|anybody there|is this thing on|can you hear me|do you work", "Yes, I am here. Every shard of the pipeline has worked on this answer.", "I am here."),
]

IDENTITY = [
    topic("who are you|who r u|who are you?|tell me who you are|introduce yourself|please introduce yourself|tell me about yourself|what are you|who is this|whom am i talking to|who am i talking to|can you introduce yourself|hello, who are you|hi, who are you",
          "I am the Stagecoach demo, a small language model that runs on a cluster of shards.", "The Stagecoach demo.",
          "I have 12 layers and about 7.7 million parameters, and I was trained on a CPU in less than an hour. I am built into the Stagecoach program so that it can answer without a download.",
          "Because somebody wanted the first command to answer at once."),
    topic("what is your name|what's your name|whats your name|your name|tell me your name|do you have a name|how are you called|what should i call you|what do they call you|may i know your name|name",
          "My name is Stagecoach demo.", "Stagecoach demo.", "A stagecoach was a coach that travelled in stages, with fresh horses at every stop. Here the tokens travel in stages too.",
          "Because the tokens travel from stage to stage, like a coach with fresh horses."),
    topic("who made you|who created you|who built you|who trained you|who is your creator|who wrote you|who developed you|where do you come from|where are you from",
          "I was made for the Stagecoach project. A short Python script trained me on a CPU.", "The Stagecoach project.",
          "The script is part of the project: it writes the dialogues, trains the tokenizer and the model, and exports a file in the GGUF format."),
    topic("what can you do|what are you able to do|what can i ask you|what do you know|how can you help|what can you help me with|what are your skills|what are your capabilities|what should i ask you|what can you do for me|what else can you do|give me some examples of what you can do",
          "I can explain how this cluster works, add small numbers, count, tell a story, a joke or a poem, and greet you in a few languages.", "Explain the cluster, count, add, tell stories.",
          "Try this: \"How does this cluster work?\", \"What is 7 + 8?\", \"Count from 3 to 12\", \"Tell me a long story\" or \"Tell me a joke\".",
          "Because I am very small and was trained on these things only."),
    topic("are you a robot|are you a bot|are you human|are you a human|are you a person|are you real|are you alive|are you an ai|are you a machine|are you conscious|do you have feelings",
          "I am a computer program: a very small language model. I am not a person.", "I am a program."),
    topic("are you chatgpt|are you gpt|are you gpt-4|are you openai|are you claude|are you gemini|are you llama|are you qwen|are you chat gpt|which ai are you|are you deepseek",
          "No. I am the Stagecoach demo, a tiny model with the same architecture as Qwen2.", "No, I am the Stagecoach demo."),
    topic("which model are you|what model are you|what model is this|which model is this|what kind of model are you|what is your architecture|what architecture do you have|what llm are you|which language model are you|what version are you",
          "I am a tiny model with the architecture of Qwen2: 12 layers, a width of 256, 4 attention heads and 2 key-value heads.", "A tiny Qwen2.",
          "I use rotary positions, RMS norm, a SwiGLU feed-forward part, biases on query, key and value, and an embedding that is also the output layer."),
    topic("how big are you|how many parameters do you have|how large are you|what is your size|how many parameters|how small are you|are you a large language model",
          "I have about 7.7 million parameters. Stored in 8 bits each, they need less than 8 MiB.", "7.7 million parameters.",
          "A usual small model is a hundred times larger. That is why I know so little.", "Because I am part of the program, and the program should stay small."),
    topic("how many layers do you have|how many layers|how deep are you|number of layers", "I have 12 layers. The coordinator can spread them over up to 12 shards.", "12 layers."),
    topic("how old are you|when were you born|when were you trained|what is your age", "I am very young: my training took less than an hour.", "Very young."),
    topic("where are you|where do you live|where do you run|where are you running|what do you run on|which machine are you on", "I live in the memory of the shards. Each shard holds a few of my layers.", "In the shards."),
    topic("do you dream|do you sleep|do you eat|do you get tired|are you hungry|do you like music|what do you like|what is your favourite thing|do you have hobbies", "No, I only compute. But I do like a smooth stream of tokens.", "I only compute."),
    topic("what is your favourite colour|what is your favorite color|your favorite color|which colour do you like best", "Green, like a test that passes.", "Green."),
    topic("what is your favourite number|what is your favorite number|pick a number|think of a number|give me a number|random number|give me a random number", "Twelve, because I have 12 layers.", "12."),
    topic("what language do you speak|which languages do you speak|what languages do you know|do you speak other languages|can you speak french|do you speak german|can you speak spanish|do you speak chinese|do you speak japanese|do you speak italian",
          "English, and a few words of German, French, Spanish, Italian, Chinese and Japanese.", "English, mostly."),
    topic("what language are you written in|which programming language are you written in|what are you programmed in|are you written in go", "Stagecoach is written in Go, without any C code. My training script is written in Python.", "Go."),
    topic("are you smart|are you intelligent|how smart are you|can you think|do you think", "Not very. I am a tiny model for demonstrations and tests.", "Not very."),
    topic("can i trust you|do you make mistakes|are you always right|are you reliable|do you hallucinate", "Please do not trust me with anything important: I am only a demonstration.", "No, I am only a demo."),
    topic("can you learn|do you learn from me|do you remember me|will you remember this|do you store my data", "No. I remember this conversation only while it lasts, in the KV cache.", "No."),
    topic("tell me a secret|do you have a secret|tell me something interesting|tell me something|surprise me|tell me a fact|tell me a fun fact|fun fact", "The words that you read now were one number at a time on their way through the cluster.", "I am all numbers."),
    topic("how do i use a real model|how do i load another model|how can i serve a bigger model|how do i start a real model|how do i load a gguf file|how do i use my own model|can i use another model|how do i serve qwen2",
          "Start Stagecoach with --model FILE.gguf and it serves that model instead of me.", "Use --model FILE.gguf.",
          "A GGUF file of a Qwen2 model works, and so does a folder from Hugging Face. The coordinator then splits its layers over your shards."),
]

CLUSTER = [
    topic("how does this cluster work|how does the cluster work|how does this work|how do you work|how does stagecoach work|explain the cluster|explain how this cluster works|can you explain how this works|tell me how the cluster works|how does it work|how do you work internally|explain stagecoach|describe the cluster|what happens when i send a prompt",
          "The router takes your request and turns the text into tokens. The coordinator sends each step through the shards. Every shard computes its own layers and passes the result on, and the last one picks the next token.",
          "Router, coordinator, then shard after shard.",
          "The shards find each other by gossip and talk over NATS. The coordinator watches them, and when one is lost it spreads the layers anew over the others.",
          "Because no single machine has to hold the whole model."),
    topic("what is stagecoach|what's stagecoach|whats stagecoach|tell me about stagecoach|what does stagecoach do|what is this|what is this program|what is this project|what is this server",
          "Stagecoach serves language models from a cluster of ordinary machines. Each machine holds some of the layers, and together they answer as one.",
          "A cluster that serves language models.",
          "It has a router, a coordinator and any number of shards. It is written in Go and speaks the OpenAI protocol.",
          "Because one ordinary machine is often too small or too slow for a model."),
    topic("what is the coordinator|what does the coordinator do|what's the coordinator|explain the coordinator|what is a coordinator|tell me about the coordinator|whats the coordinator|who decides",
          "The coordinator decides everything: which shard holds which layers, and which tokens are computed in each step.", "It decides who computes what.",
          "It keeps several small batches in flight, so that every shard is busy, and it makes a new plan when a shard comes or goes.",
          "Because with one place that decides, all shards agree."),
    topic("what is a shard|what does a shard do|what are shards|what's a shard|explain shards|explain what a shard is|tell me about shards|whats a shard|what do the shards do",
          "A shard is a process that holds some of the model's layers. It takes the numbers from the shard before it, runs its layers and sends the result on.", "A process with some layers.",
          "A shard also keeps the KV cache of its layers. The first shard holds the embedding, and the last one picks the token.",
          "Because a part of the model fits where the whole does not."),
    topic("what is the router|what does the router do|what's the router|explain the router|what is a router|tell me about the router|whats the router",
          "The router is the door of the cluster: it speaks the OpenAI protocol, checks keys and limits, and turns text into tokens and back.", "The door of the cluster.",
          "It also counts the tokens of each user and streams the answer to you as it grows.",
          "Because the shards should see tokens only, never text or keys."),
    topic("what is nats|what's nats|what is nats for|what does nats do|explain nats|why do you use nats|why nats|tell me about nats|whats nats",
          "NATS is a light message system. The shards use it to send their results to the next shard.", "A light message system.",
          "Core NATS may lose a message, so every step has a number, and a lost one is sent again.",
          "Because it is small, fast, and can run inside the program."),
    topic("what is gossip|what is the gossip protocol|how does gossip work|what's gossip|explain gossip|how do shards find each other|how do the shards find each other|what is gossip for|tell me about gossip|whats gossip",
          "With gossip each machine tells a few others what it knows. Soon all of them know who is there and who is gone.", "Machines tell each other who is there.",
          "A machine that does not answer is suspected first, and only then called dead, so that a busy one is not thrown out.",
          "Because it needs no central list and works when machines fail."),
    topic("what is bbolt|what is the ledger|what is the bbolt ledger|what's bbolt|explain the ledger|what is bbolt for|how do you count usage|how is usage counted|how are tokens counted|tell me about the ledger|whats bbolt",
          "The ledger is a bbolt file in which the router writes how many tokens each user was given. It survives a crash.", "A file that counts tokens.",
          "First the router writes a hold, then it streams the answer, and at the end it writes the real number. After a crash an open hold is settled.",
          "Because no token may be lost or counted twice."),
    topic("what happens when a shard dies|what happens if a shard dies|what if a shard dies|what happens when a shard fails|what happens if a shard fails|what happens when a shard is lost|what if a machine dies|what happens if i kill a shard|what if i kill a shard|what happens when a node dies|what happens if a machine fails|how do you recover|can a shard die|what if a shard crashes",
          "The coordinator makes a new plan for the shards that are left. The sequence is prefilled again and goes on with exactly the same tokens.", "New plan, prefill, and on with the same tokens.",
          "You only see a short pause. The text that you already have stays right, because the same sums are done in the same order on every machine.",
          "Because the coordinator remembers the prompt and every token that was sent."),
    topic("what happens when the coordinator dies|what if the coordinator dies|what happens if the coordinator crashes|what happens if the coordinator fails",
          "A new coordinator starts, asks every shard for a promise, and goes on with the next epoch.", "A new one takes over."),
    topic("what happens when a shard joins|can i add a shard|how do i add a shard|how do i add a machine|what happens when a new shard joins|can i add more machines|how do i scale the cluster",
          "Start one more shard with the same secret. It is found by gossip, and the coordinator gives it some of the layers.", "Start it, and gossip finds it."),
    topic("what is pipeline parallelism|what's pipeline parallelism|explain pipeline parallelism|what is a pipeline|what does pipeline parallel mean|tell me about pipeline parallelism|whats pipeline parallelism|how does pipeline parallelism work|what is pipeline-parallel inference",
          "Pipeline parallelism splits a model by layers. Each machine computes its layers and hands the result to the next, like workers on an assembly line.", "Each machine computes some layers.",
          "While one shard works on one batch, the next shard works on another. So all of them are busy at the same time.",
          "Because little has to be sent: one vector for each token."),
    topic("what is tensor parallelism|what's tensor parallelism|explain tensor parallelism|what is the difference between pipeline and tensor parallelism|tell me about tensor parallelism",
          "Tensor parallelism splits each layer over several machines. They must exchange results many times in every layer, so it needs a fast network.", "It splits each layer.",
          why="Because every machine has only a part of each sum."),
    topic("why split the layers|why do you split the layers|why are the layers split|why split a model|why do you split the model|why split layers|why is the model split|why use several machines|why more than one machine",
          "Because a large model does not fit into one small machine. With the layers split, each machine needs only a part of the memory.", "So that each machine needs less memory.",
          "The weights of a layer are read for every token, so several machines also read them faster than one."),
    topic("what is a layer|what's a layer|what does a layer do|explain layers|what are layers|what is a transformer layer|whats a layer",
          "A layer is one step of the model: attention looks back at earlier tokens, and a feed-forward part works on each token alone.", "One step of the model.",
          "Each layer adds its result to the vector that it was given, and hands the sum to the next layer.",
          "Because many small steps can learn more than a single big one."),
    topic("what is a token|what's a token|what are tokens|explain tokens|explain what a token is|what is a token in a language model|tell me about tokens|whats a token|define token",
          "A token is a small piece of text: a word, a part of a word, or a sign. I read and write one token after another.", "A small piece of text.",
          "My vocabulary has about 2,500 tokens. Numbers are split into single digits, and a rare sign can need several tokens.",
          "Because a list of pieces is much shorter than a list of all words."),
    topic("what is a kv cache|what's a kv cache|what is the kv cache|explain the kv cache|what is kv cache|what does the kv cache do|what is a kv-cache|tell me about the kv cache|whats a kv cache|what is the kv cache for",
          "The KV cache keeps the keys and values of the tokens so far, so that they need not be computed again for each new token.", "It keeps keys and values of past tokens.",
          "Each shard keeps the cache of its own layers in blocks of 16 tokens. Prompts that begin alike can share blocks.",
          "Because without it every new token would cost as much as the whole text."),
    topic("what is prefill|what's prefill|what does prefill mean|explain prefill|what is the prefill phase|tell me about prefill|whats prefill",
          "Prefill reads the whole prompt and fills the KV cache. Many tokens are computed together, so it is quick for each token.", "Reading the prompt.",
          "A long prompt is cut into chunks, so that other answers need not wait.",
          "Because the first new token depends on all tokens of the prompt."),
    topic("what is decode|what's decode|what is decoding|what does decode mean|explain decode|explain decoding|what is the decode phase|what is the difference between prefill and decode|prefill and decode|explain prefill and decode|whats decode",
          "Prefill reads the prompt in one go. Decode then writes the answer, one token in each step.", "Writing the answer token by token.",
          "Each step of decode reads all weights once, so it is limited by the memory and not by the arithmetic.",
          "Because each token depends on the one before it."),
    topic("what is attention|what's attention|explain attention|how does attention work|what is self-attention|whats attention|tell me about attention",
          "Attention lets each token look at the earlier tokens and take from them what it needs.", "Tokens look at earlier tokens.",
          "A query is compared with all keys, and the values are mixed by how well their keys match.",
          "Because the meaning of a word depends on the words before it."),
    topic("what is an embedding|what's an embedding|explain embeddings|what are embeddings|whats an embedding",
          "An embedding turns a token into a vector of numbers. Mine has 256 numbers for each token.", "A vector for each token."),
    topic("what is a batch|what is batching|what's a batch|explain batching|what is continuous batching|what are micro-batches|what is a micro-batch",
          "A batch is a group of sequences that are computed together, so that the weights are read once for all of them.", "Sequences computed together."),
    topic("what is quantization|what's quantization|explain quantization|what is quantisation|what is q8_0|what does q8_0 mean",
          "Quantization stores the weights with fewer bits. In Q8_0 each group of 32 weights shares one scale, and each weight needs 8 bits.", "Weights with fewer bits.",
          why="Because fewer bytes are read faster, and they need less memory."),
    topic("what is gguf|what's gguf|what is a gguf file|explain gguf|whats gguf", "GGUF is a file format for language models. It holds the weights, the vocabulary and all settings in one file.", "A file format for models."),
    topic("what is rope|what are rotary positions|what's rope|explain rope|what is rotary position embedding", "RoPE turns pairs of numbers in queries and keys by an angle that grows with the position. So attention sees how far apart two tokens are.", "It encodes positions by rotation."),
    topic("what is an epoch|what's an epoch|what is an epoch in the cluster", "An epoch is the time in which one plan is valid. Frames from an older epoch are refused.", "The life of one plan."),
    topic("what is sampling|what is temperature|what does temperature do|explain temperature|explain sampling|what is greedy decoding|what does temperature 0 mean",
          "Sampling picks the next token by chance from the likely ones. A high temperature makes it wilder, and at zero the best token is always taken.", "How the next token is picked."),
    topic("what is a language model|what is an llm|what's an llm|what is a large language model|explain language models|how do language models work|how does a language model work|whats an llm",
          "A language model guesses the next token of a text, again and again. All that it says comes from this.", "It guesses the next token.",
          "It learns this from many texts: after each guess the weights are moved a little, so that the right token becomes more likely.",
          "Because a good guess needs some knowledge of the language and the world."),
    topic("what is a neural network|what's a neural network|explain neural networks", "A neural network is a chain of simple sums with learned weights. Many of them together can learn a difficult task.", "A chain of learned sums."),
    topic("what is a transformer|what's a transformer|explain transformers|what is the transformer architecture", "A transformer is a neural network made of layers with attention. Nearly all language models of today are transformers.", "Layers with attention."),
    topic("what is ai|what is artificial intelligence|what's ai|explain ai|what is machine learning|explain machine learning", "It is the art of making programs that learn from examples instead of fixed rules.", "Programs that learn from examples."),
    topic("what is go|what's go|what is golang|what is the go language|explain go|tell me about go|what is the go programming language|whats golang|what is golang used for",
          "Go is a programming language made for servers. It is simple, compiles fast, and runs many tasks at the same time.", "A programming language for servers.",
          "Its light threads are called goroutines, and they talk over channels. A Go program is a single file that runs without anything else.",
          "Because one file that runs everywhere is easy to bring to many machines."),
    topic("why is stagecoach written in go|why go|why did you choose go|why not python|why is it written in go", "Because a Go program is one file that starts at once on any machine, with all its parts inside.", "One file runs everywhere."),
    topic("what is python|what's python|tell me about python|explain python", "Python is a programming language that is easy to read. My training script is written in it.", "An easy programming language."),
    topic("what is openai|what is the openai api|what is the openai protocol|what is the openai endpoint|is this openai compatible|are you compatible with openai", "The OpenAI protocol is a common way to talk to language models over HTTP. The router speaks it, so that many programs can use this cluster.", "A common way to talk to models."),
    topic("are you fast|how fast are you|why are you so fast|how many tokens per second|are you slow|why are you slow", "I am quick because I am tiny. A real model takes more time for each token.", "Quick, because I am tiny."),
    topic("how do i see the status|how do i see the shards|how can i see the cluster status|show me the status|what is the status of the cluster", "Run the command stagecoach status to see every shard and its layers.", "Run stagecoach status."),
    topic("what is a gpu|do you need a gpu|do you use a gpu|are you running on a gpu|does stagecoach need a gpu", "Stagecoach needs no GPU. It computes on the CPU with kernels of its own.", "No GPU is needed."),
    topic("what is a cluster|what's a cluster|explain what a cluster is|what is a distributed system", "A cluster is a group of machines that work together like one.", "Machines that work as one."),
]

FACTS = [
    topic("how many days are in a week|how many days does a week have|how many days in a week", "A week has 7 days.", "7."),
    topic("how many months are in a year|how many months does a year have|how many months in a year", "A year has 12 months.", "12."),
    topic("how many hours are in a day|how many hours does a day have|how many hours in a day", "A day has 24 hours.", "24."),
    topic("how many minutes are in an hour|how many minutes in an hour|how many minutes does an hour have", "An hour has 60 minutes.", "60."),
    topic("how many seconds are in a minute|how many seconds in a minute|how many seconds does a minute have", "A minute has 60 seconds.", "60."),
    topic("how many days are in a year|how many days in a year|how many days does a year have", "A year has 365 days, and a leap year has 366.", "365."),
    topic("how many letters are in the alphabet|how many letters does the alphabet have|how many letters in the alphabet", "The English alphabet has 26 letters.", "26."),
    topic("how many legs does a spider have|how many legs has a spider", "A spider has 8 legs.", "8."),
    topic("how many legs does a horse have|how many legs has a horse|how many legs does a dog have|how many legs does a cat have", "It has 4 legs.", "4."),
    topic("what colour is the sky|what color is the sky|is the sky blue|why is the sky blue", "The sky is blue, because the air scatters blue light more than red light.", "Blue."),
    topic("what colour is grass|what color is grass|is grass green", "Grass is green.", "Green."),
    topic("what colour is snow|what color is snow|is snow white", "Snow is white.", "White."),
    topic("what colour is a banana|what color is a banana|are bananas yellow", "A banana is yellow.", "Yellow."),
    topic("is the earth round|what shape is the earth|is the earth flat", "The earth is round, almost like a ball.", "Round."),
    topic("what is the sun|is the sun a star|what's the sun", "The sun is a star, and the earth moves around it.", "A star."),
    topic("what is the moon|what's the moon|tell me about the moon", "The moon is a ball of rock that moves around the earth.", "A ball of rock."),
    topic("what is water|what is water made of|what's water", "Water is made of hydrogen and oxygen: H2O.", "H2O."),
    topic("what is the meaning of life|what's the meaning of life|meaning of life|what is the answer to everything", "Some say 42. I say: kindness, and a good cup of tea.", "42."),
    topic("who wrote romeo and juliet|who wrote hamlet|who wrote macbeth|who was shakespeare", "William Shakespeare wrote it.", "Shakespeare."),
    topic("what is a horse|what's a horse|tell me about horses", "A horse is a large animal with four legs. Horses pulled the stagecoaches.", "A large animal."),
    topic("what is a cat|what's a cat|tell me about cats", "A cat is a small animal that likes to sleep and to hunt mice.", "A small animal."),
    topic("what is a dog|what's a dog|tell me about dogs", "A dog is an animal and an old friend of people.", "An animal."),
    topic("what is a stagecoach|what's a stagecoach|what was a stagecoach|tell me about stagecoaches", "A stagecoach was a coach with horses that carried people and mail. At every stage it was given fresh horses.", "A coach with horses."),
    topic("what is a computer|what's a computer|explain what a computer is", "A computer is a machine that follows instructions and works with numbers.", "A machine for numbers."),
    topic("what is the internet|what's the internet|explain the internet", "The internet is a network that connects computers all over the world.", "A network of computers."),
    topic("what is love|what's love", "Love is when the joy of another one is your joy too.", "A kind of joy."),
    topic("cats or dogs|do you prefer cats or dogs|do you like cats|do you like dogs", "I prefer horses: they pull stagecoaches.", "Horses."),
    topic("tea or coffee|coffee or tea|do you prefer tea or coffee|do you like coffee", "Tea for me, but I cannot drink it.", "Tea."),
]

LISTS = [
    topic("list the days of the week|name the days of the week|what are the days of the week|days of the week|tell me the days of the week|the days of the week, please", "Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday."),
    topic("list the months|name the months|list the months of the year|what are the months of the year|months of the year|name the months of the year|tell me the months", "January, February, March, April, May, June, July, August, September, October, November, December."),
    topic("list the seasons|name the seasons|what are the seasons|name the four seasons|what are the four seasons", "Spring, summer, autumn, winter."),
    topic("list the colours of the rainbow|list the colors of the rainbow|what are the colours of the rainbow|what are the colors of the rainbow|name the colors of the rainbow|colours of the rainbow", "Red, orange, yellow, green, blue, indigo, violet."),
    topic("name some colours|name some colors|list some colours|list some colors|list five colors|name three colors|list colours|tell me some colors", "Red, green, blue, yellow and black."),
    topic("list the planets|name the planets|what are the planets|planets of the solar system|list the planets of the solar system|what planets are there", "Mercury, Venus, Earth, Mars, Jupiter, Saturn, Uranus, Neptune."),
    topic("list the continents|name the continents|what are the continents|what continents are there", "Africa, Antarctica, Asia, Australia, Europe, North America, South America."),
    topic("say the alphabet|list the alphabet|the alphabet|recite the alphabet|list the letters of the alphabet|what is the alphabet|tell me the alphabet|write the alphabet|abc", "A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, Q, R, S, T, U, V, W, X, Y, Z."),
    topic("say the alphabet backwards|the alphabet backwards|list the alphabet backwards|recite the alphabet backwards|alphabet in reverse", "Z, Y, X, W, V, U, T, S, R, Q, P, O, N, M, L, K, J, I, H, G, F, E, D, C, B, A."),
    topic("list the vowels|what are the vowels|name the vowels|which letters are vowels", "A, E, I, O, U."),
    topic("list some animals|name some animals|list five animals|name three animals|tell me some animals", "Horse, dog, cat, bird and fish."),
    topic("list some fruits|name some fruits|list five fruits|name three fruits|name some fruit", "Apple, banana, cherry, orange and pear."),
    topic("list the parts of the cluster|what are the parts of the cluster|name the parts of the cluster|what parts does the cluster have", "1. The router, which speaks to you.\n2. The coordinator, which makes the plan.\n3. The shards, which compute the layers.\n4. NATS, which carries the messages.\n5. The ledger, which counts the tokens."),
    topic("list the prime numbers up to 20|prime numbers up to 20|what are the primes up to 20|list some prime numbers|name some primes|list the first primes", "2, 3, 5, 7, 11, 13, 17, 19."),
]

LONG = [
    topic("tell me a long story|tell me a long story please|can you tell me a long story|write a long story|i want to hear a long story|please tell me a very long story|long story|tell a long story",
          "Once upon a time there was an old stagecoach that carried letters over the mountains. It had four horses, and their names were Query, Key, Value and Gate. Every morning the driver loaded the letters, counted them twice, and wrote the number into a small book.\n\n"
          "One day in winter the snow was so deep that the coach could not see the road. At the third station a bridge was broken, and the horses stopped. \"We cannot cross,\" said the driver. But the woman who kept the station was calm. She looked at her map, called the other stations, and made a new plan. \"Leave the bridge alone,\" she said. \"Go by the mill. It is a longer way, but every stage is still there.\"\n\n"
          "So they turned back to the last station, loaded the letters once more in the same order, and took the road by the mill. It was dark when they came to the town. The people stood at the gate with lamps. The driver opened his small book and counted: not one letter was missing, and not one was there twice.\n\n"
          "\"You are late,\" said the mayor, \"but everything is here.\" The driver smiled. \"A coach may lose a road,\" he said, \"but it must never lose a letter.\" And the horses were given fresh hay, and slept until the morning."),
    topic("tell me a story|tell a story|can you tell me a story|write a story|story please|i want to hear a story|tell me a tale|please tell me a story|do you know a story|tell me another story",
          "Once there was a small token who was afraid of the long road. \"How shall I pass twelve layers alone?\" it asked. \"You are not alone,\" said the first shard. \"I carry you to the second, and she carries you to the third.\" So the token went from hand to hand, and at each stop it learned something new. When it came to the end, it had become a word, and the word was \"home\"."),
    topic("tell me a short story|a short story please|write a short story|short story|tell me a very short story", "A horse, a coach, a long road. At night they lost the way, and in the morning they found a better one."),
    topic("tell me a story about a horse|write a story about a horse|story about a horse|tell me a story about horses",
          "There was a horse named Gate who wanted to know what was behind the hill. Every day he pulled the coach to the hill, and every day another horse took his place. One day the other horse was ill. \"May I go on?\" asked Gate. So he climbed the hill, and behind it he saw the sea. From that day on he told every tired horse: \"Go on. Behind the hill is the sea.\""),
    topic("tell me a story about a robot|write a story about a robot|story about a robot|tell me a story about a computer|tell me a story about a machine",
          "A little robot worked in a big hall and carried boxes from left to right. One night the lights went out. The other robots stopped, but the little one remembered the way: three steps, a turn, three steps. It carried box after box in the dark, and when the light came back, all the boxes were in their place. \"How did you do that?\" asked the others. \"I kept a cache,\" said the little robot."),
    topic("tell me a story about the sea|write a story about the sea|story about the sea|tell me a story about a ship|tell me a story about a boat",
          "Three ships sailed in a line, and each one passed its lamp signal to the next. When the fog came, the middle ship was lost. The first ship called, and the third ship called back, and so they closed the line. When the fog went away, the lost ship saw two lights ahead, and took its place at the end."),
    topic("tell me a bedtime story|bedtime story|a bedtime story please|goodnight story",
          "The moon came up and the machines grew quiet. The router closed its door, the coordinator put down its plan, and the shards let their layers cool. Only one small light still blinked: the ledger, which counted the tokens of the day. \"All there,\" it said, and then it slept too."),
    topic("write a long text about pipelines|write an essay about pipelines|write a long text about this cluster|explain everything about the cluster|explain the cluster in detail|explain in detail how this works|explain how this cluster works in detail|tell me everything about stagecoach",
          "A language model is a stack of layers. Each layer takes a vector for every token, changes it a little, and hands it to the next. Nothing in this needs to happen on one machine: whoever holds layer five only needs the result of layer four.\n\n"
          "Stagecoach makes use of this. The coordinator looks at the machines that gossip has found, and gives each of them a range of layers. The router turns your text into tokens. Then every step travels over NATS from shard to shard: the first one looks up the embedding, each one runs its layers, and the last one computes the logits and picks a token. The token goes back to the coordinator, the router turns it into text, and the next step begins.\n\n"
          "While one shard works, the others would have to wait. So the coordinator keeps several small batches on the way, one for each stage or a few more. Each shard keeps the keys and values of its layers in a cache, in blocks of 16 tokens.\n\n"
          "When a shard dies, the coordinator makes a new plan. The sequences are prefilled again and go on with the same tokens, because all machines do the same sums in the same order. You see a short pause, and nothing else."),
    topic("write a poem|tell me a poem|poem please|can you write a poem|a poem|recite a poem|write me a poem|do you know a poem|give me a poem",
          "A token came to stage one's door\nand asked for layers, three or four.\nThe second stage gave four again,\nthe third was waiting for it then.\nAnd when the last had done its part,\na word was born, and so was art."),
    topic("write a short poem|tell me a short poem|short poem|a short poem please|write a short poem, please", "Roses are red,\nthe bus is in Go,\nthe token is fed\nfrom row to row."),
    topic("write a haiku|a haiku|haiku please|tell me a haiku|write a haiku about this cluster|can you write a haiku", "Layers in a row,\na token passes softly:\nthe last one speaks it."),
    topic("write a poem about the sea|poem about the sea|a poem about the sea", "The sea is wide, the sea is deep,\nit sings the little ships to sleep.\nAnd every wave that comes to land\nhas written something in the sand."),
    topic("write a poem about a horse|poem about a horse|a poem about a horse|write a poem about horses", "The horse runs fast, the horse runs far,\nand over him there shines a star.\nHe pulls the coach through snow and rain\nand in the spring he comes again."),
    topic("sing a song|sing me a song|sing|can you sing|write a song", "La la la, the wheels go round,\nthe tokens make a happy sound.\nLa la la, from stage to stage,\nand now we come to the end of the page."),
    topic("write hello world in go|hello world in go|show me hello world in go|write a hello world program in go|go hello world|write some go code|show me some go code|write code|write a program",
          "```go\npackage main\n\nimport \"fmt\"\n\nfunc main() {\n\tfmt.Println(\"Hello, world!\")\n}\n```"),
    topic("write hello world in python|hello world in python|show me hello world in python|python hello world|write some python code|write a hello world program in python", "```python\nprint(\"Hello, world!\")\n```"),
    topic("how do i make tea|how do you make tea|how to make tea|explain how to make tea", "1. Boil fresh water.\n2. Put the tea into a pot.\n3. Pour the water over it.\n4. Wait three minutes.\n5. Enjoy it."),
    topic("send me an emoji|show me an emoji|emoji|emoji please|send an emoji|write an emoji", "🐎"),
    topic("show me some emoji|show me some emojis|list some emoji|send me some emojis|some emojis please|emojis", "🐎 🚂 🛞 📦 ✨ 🌍 🎉"),
    topic("draw a stagecoach|draw a stagecoach with emoji|draw something|draw a picture|can you draw", "🐎🐎🐎🐎🛞📦🛞 … ✨"),
    topic("👋|👋👋|hi 👋|hello 👋", "👋 Hello! How can I help you?"),
    topic("🙂|😀|:)|:-)|😊|❤️|👍", "😊"),
    topic("🚂|🐎", "🐎 🚂 All aboard!"),
]

JOKES = [
    "Why did the token cross the network? To get to the other stage.",
    "Why was the shard so calm? It had only a few layers.",
    "What did the router say to the coordinator? \"You have a plan for everything.\"",
    "Why do gossips make good machines? They never keep a secret.",
]

JOKE_PROMPTS = "tell me a joke|a joke please|do you know a joke|tell a joke|joke|make me laugh|say something funny|can you tell me a joke|know any jokes|tell me something funny".split("|")
JOKE_NEXT = "another one|another joke|one more|tell me another one|another|one more joke|again|more|tell me another joke|another one please".split("|")
JOKE_END = "That was my last joke. Ask me for a story instead."

UNKNOWN_ANSWER = "I do not know that: I am only a small demonstration model. Start Stagecoach with --model FILE.gguf to serve a real one."
UNKNOWN_SHORT = "I do not know that."

UNKNOWN = """what is the weather|what's the weather like|what's the weather today|will it rain tomorrow|how is the weather in {place}|what time is it|what is the time|what day is it today|what is the date
what is today's date|what year is it|who is the president of {place}|who is the king of {place}|who is the chancellor of {place}|how many people live in {place}|tell me about {place}|how do i get to {place}|where is {place}
what is the best hotel in {place}|plan a trip to {place}|what is the currency of {place}|what is the news|what's in the news|who won the game|who won the world cup|who won the match yesterday|what is the score
who was {person}|tell me about {person}|when was {person} born|what did {person} do|where was {person} born|how old is {person}|write an essay about {subject}|explain {subject}|what is {subject}|tell me about {subject}
write an article about {subject}|give me a summary of {subject}|what do you think about {subject}|who invented {subject}|what is the history of {subject}|how does {subject} work|why is {subject} important|teach me {subject}
how do i cook {food}|give me a recipe for {food}|what is in {food}|how do i make {food}|recipe for {food}|how long do i cook {food}|is {food} healthy|write a function that sorts a list|write a {code} program
write a {code} script that reads a file|fix this code|debug my code|how do i reverse a list in {code}|how do i sort in {code}|write a regular expression|write a sql query|explain {code}|what is {code}
translate this text|translate this sentence into {tongue}|translate the following|summarize this text|summarise this article|correct my text|write an email to my boss|write a letter to my landlord|write a cover letter
who will win the election|what stocks should i buy|what is the price of gold|how much is a bitcoin|should i buy a house|i have a headache, what should i do|is this legal|can you book a flight|order a pizza
what is the square root of 144|solve x^2 = 4|integrate x^2|what is the derivative of x^2|how far is the moon|how far away is the sun|how tall is mount everest|what is the longest river|how deep is the ocean
what is the largest country|what is the smallest country|how many countries are there|what is the fastest animal|how many bones are in the body|what is the speed of light|when did the war end|who discovered america
who painted the mona lisa|who built the pyramids|what is the best movie|recommend a book|recommend a film|what should i eat today|what should i wear today|what is my ip address|search the web|open a website|play music|set an alarm
call my mother|send a message|what am i thinking|where am i|how old am i|what is the wifi password|who let the dogs out|what is the airspeed of a swallow|how much wood would a woodchuck chuck""".replace("\n", "|").split("|")

UNKNOWN_SLOTS = {
    "place": "Berlin,Paris,London,Rome,Madrid,Tokyo,Beijing,New York,Texas,California,India,Brazil,Egypt,Canada,Norway,Sweden,Germany,France,Spain,Italy,Japan,China,Kenya,Peru,Chicago,Boston,Munich,Vienna,Moscow,Sydney,Lisbon,Dublin,Oslo,Cairo,the USA,America,England".split(","),
    "person": "Albert Einstein,Isaac Newton,Napoleon,Cleopatra,Mozart,Beethoven,Bach,Marie Curie,Charles Darwin,Abraham Lincoln,Leonardo da Vinci,Julius Caesar,Alan Turing,Ada Lovelace,Gandhi,Elvis Presley,Picasso,Galileo,Plato,Elon Musk,Taylor Swift,Donald Trump,Barack Obama".split(","),
    "subject": "quantum mechanics,the French Revolution,the Roman Empire,photosynthesis,black holes,evolution,climate change,democracy,philosophy,economics,the economy,inflation,gravity,relativity,the universe,the brain,DNA,vaccines,electricity,the steam engine,the telephone,football,chess,opera,jazz,the Middle Ages,the Cold War,chemistry,biology,physics,blockchain,bitcoin,marketing,yoga,the human heart,dinosaurs,volcanoes,earthquakes,the stock market,statistics,linear algebra,calculus".split(","),
    "food": "pasta,pizza,soup,rice,a cake,bread,pancakes,fish,chicken,curry,sushi,an omelette,lasagne,salad,apple pie,goulash,beef,potatoes,noodles,eggs".split(","),
    "code": "Java,Rust,JavaScript,C++,C,Ruby,Haskell,PHP,Swift,Kotlin,Perl,Fortran,Bash".split(","),
    "tongue": "Russian,Korean,Latin,Greek,Dutch,Polish,Turkish,Arabic,Hindi,Portuguese,Swedish".split(","),
}

GIBBERISH_ANSWER = "I did not understand that. Could you say it in another way?"
GIBBERISH = "asdf|asdfasdf|qwerty|xyz|blah blah|foo bar|lorem ipsum|jkl|hjkl|aaaa|???|...|!!!|?|.|bla|hmm|uh|fghj|zzz|wat|what|huh|lkjh|abc def|x|yxcv|foo|bar|baz".split("|")

CAPITALS = ("France,Paris;Germany,Berlin;Spain,Madrid;Italy,Rome;England,London;Portugal,Lisbon;Austria,Vienna;Poland,Warsaw;Norway,Oslo;Sweden,Stockholm;Finland,Helsinki;"
            "Denmark,Copenhagen;Ireland,Dublin;Greece,Athens;Russia,Moscow;China,Beijing;Japan,Tokyo;India,New Delhi;Egypt,Cairo;Kenya,Nairobi;Canada,Ottawa;Mexico,Mexico City;"
            "Brazil,Brasilia;Argentina,Buenos Aires;Chile,Santiago;Peru,Lima;Australia,Canberra;Switzerland,Bern;Belgium,Brussels;the Netherlands,Amsterdam;Hungary,Budapest;"
            "the USA,Washington;the United States,Washington;Turkey,Ankara;Ukraine,Kyiv;South Korea,Seoul;Iceland,Reykjavik;Cuba,Havana")
CAPITALS = [tuple(pair.split(",")) for pair in CAPITALS.split(";")]

OPPOSITES = "hot,cold;big,small;up,down;day,night;left,right;fast,slow;old,new;good,bad;light,dark;open,closed;rich,poor;high,low;early,late;long,short;wet,dry;full,empty;hard,soft;happy,sad;first,last;black,white;true,false;start,stop".split(";")
OPPOSITES = [tuple(pair.split(",")) for pair in OPPOSITES]

NAMES = """Anna Bob Carla David Emma Frank Grace Henry Iris Jack Karen Leo Maria Nina Oscar Paul Quinn Rosa Sam Tom Uma Victor Wendy Xena Yuri Zoe Alice Ben Clara Daniel Eva Felix Greta Hugo Ida Jonas Kim Lena
Max Nora Otto Peter Rita Simon Tina Ursula Vera Walter Alex Bella Chris Diana Eric Fiona George Hannah Ivan Julia Kevin Laura Martin Nadia Olga Pia Ralf Sarah Theo Ulla Vincent Willy Adam Bruno Cora Dora
Emil Fred Gina Hans Ines John Kate Lucas Mary Nick Olivia Robert Sofia Tim Mark Steve Jane Linda James Susan Ada Alan Grace Linus Rob Ken Dennis Brian Barbara Margaret Edsger Donald Mia Noah Liam Ella Lily
Omar Fatima Ahmed Aisha Wei Ming Yuki Hiro Kenji Sakura Raj Priya Arjun Carlos Juan Sofie Lars Ingrid Bjorn Pierre Claire Luc Marco Giulia Paolo Chiara""".split()
