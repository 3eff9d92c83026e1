"""Write messages.csv, a table for demonstrations, beside this script.

The table holds short messages (SMS and chat length) in two columns, ``text`` and ``label``, with
the labels ``spam`` and ``ham``, about one to five. Every message is synthetic: it is put together
from the templates below, which were invented for this project. No corpus was copied, and the
people, firms, phone numbers (555-01xx) and links (example.com) do not exist.

It is meant for trying the tools out and is no benchmark: a score on it says nothing about real
mail. Some rows are awkward on purpose: exact duplicates, empty texts, quotes, commas, line breaks,
accents, emoji, other languages, HTML escapes, and messages that could belong to either class.

Usage: python examples/make_messages.py
"""

import csv
import html
import random
import re
from pathlib import Path

ROWS = {"ham": 772, "spam": 166}
DUPLICATES = {"ham": 16, "spam": 4}

# Template language: " // " or a line end parts two templates, [a|b|] picks one, {slot} is filled once
# a message, a pilcrow is a line break, and "=" means that the body goes without opening and closing.
SLOTS = {
    "name": "Zoë,Tom,Priya,José,Małgosia,Dana,Anaïs,Ben,Kwame,Lucie,Sam,Nadia,Jürgen,Ruth,Ivo,Mei",
    "who": "Carla,Uncle Pete,Søren,Jo,Hannah,Mr Oduya,Gran,Ravi,Élodie,my sister,the new guy,Theo",
    "me": "Alex,Mum,Dad,Kim,Robin,Noor,Stella,Finn,Oskar,Bea",
    "firm": "Pellwick,Ostervane,Marlow & Tarn,Quillfen,Tunbry,Café Lindqvist,Hexby Direct,Norvale",
    "item": "kettle,winter coat,bike light,desk lamp,headset,rucksack,blender,tent,camera,phone case",
    "place": "the station,Mill Lane,the old library,Harbour Street,the garden centre,the sports hall",
    "day": "Monday,Tuesday,Wednesday,Thursday,Friday,Saturday,Sunday,tomorrow,today,the 14th,the 3rd",
    "past": "yesterday,on Monday,on Tuesday,on Friday,on Sunday,on the 2nd",
}
PUSH = "[reply now to claim [it|yours]|claim it now, reply by {day}|just reply YES now to claim it]"
HURRY = "[reply now.|reply YES now.|reply now, it can't wait.|just reply now.]"
CHAT_OPEN = "[hey|hi|hello] {name}[,|!] // [morning|evening|hi] [{name}|all|love], // {name}, // ok so // quick one,"
CHAT_CLOSE = """
[thanks|cheers|ta][ x|!|] // [see you|speak] [{day}|soon|later][!|] // [love|cheers|x], {me} // miss you x
[😊|🙂|🎉|❤️|👍|lol|haha] // [call|text|ring] me [after {time}|on {phone}|first].
"""
NOTICE_OPEN = "{firm}: // [Dear|Hello|Hi] {name}, // Dear [customer|member], // Good [morning|afternoon], // Update:"
NOTICE_CLOSE = """
[- {firm}|Your {firm} team|Thank you, {firm}] // [Questions?|Help:|More:] [{link}|Call {phone}.|Reply HELP.]
Reply STOP to opt out. // Thank you. // Kind regards // Have a good day! // Ref {ref}.
"""
HAM_CHAT = """
are you still [on|ok|free] for {day}? I booked [a table|the court|two seats] at {time}[, {place}|].
are you home [now|yet]? [I forgot my keys|I left my {item} there|the door won't open].
[running late|stuck on the bus|still at work], [start|order] without me. // [dinner|film night] at [ours|mine] {day}?
can you [grab|pick up|get] [milk|bread, eggs and butter|a card for {who}|my {item}] on your way [home|over]?
did you hear what {who} said? "[it's only rain|I never liked that {item}]". // where did you put my {item}?
I won the [raffle|quiz|draw] at work! [a {item}|{amt} in vouchers|dinner for two], want to share the prize?
I owe you {amt} for [the tickets|dinner|petrol]. send me your account details and I'll pay [tonight|{day}].
I lost my phone, this is my new number. [save it|the old one is dead|tell {who} too|{who} has the rest].
can you lend me {amt} till {day}? [my card got blocked|I left my wallet at {place}]. {hurry}
I'm selling my {item}, [hardly used|still boxed], {amt}. [first come first served|make me an offer|{push}].
[cake sale|book swap|flea market] by {place} {day}, [all for the school trip|bring cash, everything {fee}|{push}]!
my [sister|flatmate|cousin] is opening a shop at {place}. [20% off|a free gift] for friends[, {push}|].
HR says the [discount|bonus|gift card] scheme ends {day}. [{push}|{n}00 of us signed up|forms are here {link}].
can you check the [link|file|form] I sent? {link}. it asks for a password, use "{ref}".
[can't sleep|the baby is up again|there's a huge moon], are you awake? // who's picking up the kids {day}?
[lecture|practice|the meeting] [moved|changed] to {time}, [room {n}|same place|online]. // is {who} coming {day}?
[shopping list|we need|for the party]:¶- [rice|pasta|tea]¶- {n} [lemons|onions|apples]¶- [soap|stamps]¶anything else?
{who} is [in hospital|off sick|stuck at the airport], [nothing serious|home {day}]. can you call me? [reply now.|]
I got a text saying I won {amt} lol, "{push}". deleted it. // the {item} I ordered came [broken|early].
we're looking for {n} people for [a survey|the five-a-side|the choir], no experience needed. you in?
I [started|tried] that [savings thing|bread recipe|running plan] {who} told me about. [good so far|love it].
I found [a photo of us|your old letters|your school tie] [in a drawer|at {place}]. made me smile, when can I see you?
[was lovely|so nice] meeting you {past}. I'm around [next week|{day}] if you want to get coffee?
can you approve the invoice from {firm}? {amt}, due {day}. I'm in meetings until {time}. // {who} rang twice.
[I've got|do you want] a spare ticket for {day}? {amt}, or free if you drive. // [bus|train] is late, there by {time}.
=[happy birthday|congratulations], {name}!! [{n}0 already?|hope you get cake|drinks {day}?] 🎂
=[Kommst du|Kommt ihr] {time} [zu uns|in den Park|zum Essen]? [Lukas kocht|Ich bringe Brot mit|Oma ist auch da] 😊
=[On se voit|T'es libre] [samedi|demain] [à la gare|au café] ? Bisous // =¿Llegas [mañana|el sábado]? Mamá pregunta.
=[ok|yes|sure|on my way|haha ok|oh sorry|{time}?|{day} then|thx|👍👍|😂|done|yes, {day} works|fine, tell {who}]
"""
HAM_NOTICE = """
your parcel with the {item} [is out for delivery and|] arrives {day} between {time} and {later}.
we missed you {past}. Your parcel is [at {place}|with a neighbour]. [Bring ID to collect it|Reply to rebook].
your parcel was held at customs. {fee} was paid at checkout, there is nothing more to pay now.
a card payment of {amt} to {firm} was made {past} at {time}. If this was not you, call the number on your card.
your code is {code}. It expires in {n} minutes. We will never ask you for it. // your bike is ready, pay at the desk.
your account was locked after {n} wrong passwords. To unlock it, visit your branch.
your loan of {amt} was approved after our checks. The contract is in the post to your address.
your refund of {amt} for the {item} was sent to your card. It can take {n} days.
your appointment with [Dr Amsel|the dentist] is {day} at {time}. [Call {phone} to change it|Reply YES to confirm].
congratulations, your ticket {ref} won a prize in the [club|school] raffle. Claim it at {place} by {day}.
thanks for taking part in our survey. Your {amt} voucher is in your account, no need to do anything.
your [membership|insurance] renews {day} for {amt}. To cancel, go to your account or call {phone}.
members' day {day} from {time}: 20% off everything and a free drink. [You signed up for this|{push}].
your book "[The Salt Road|Winter Bees|A Map of Rain]" is overdue. Fee so far {fee}. [Renew|Pay] at {link}.
school is closed {day}.¶[Meals are refunded|Trip money ({amt}) is due {day}].¶Please reply that you read this.
we received your job application. [Interviews are {day}|Please call {phone}]. The post pays £1{n} an hour.
=Final reminder: your invoice {ref} over {amt} is [overdue|due {day}]. Please pay now, details on the invoice. {firm}
=[Ihr Paket {ref} kommt um {time}. Mit freundlichen Grüßen,|Votre colis {ref} est arrivé. Cordialement,] {firm}
"""
SPAM_CHAT = """
I [started|tried] that savings thing {who} told me about. made {amt} so far[ from my phone|], want in? {hurry}
I lost my phone, this is my new number. can you [pay|send] {amt} for me now? [I'll explain {day}.|{hurry}]
[was lovely|so nice] meeting you {past}. my uncle trades from home, I made {amt}. want to try? {hurry}
are you free now? I'm in meetings until {time}. get {n} gift cards of {amt} and send me the codes. {hurry}
we're looking for {n} people for a survey, [paid {amt} a day|no experience needed], from home. {hurry}
my cousin works at {firm} and can get you the {item} for {fee}. only {n} left, {push}.
I'm [stuck at the airport|in hospital] and my card got blocked. can you send {amt}? {who} will pay you back. {hurry}
you won the [draw|raffle|quiz] {past}! the prize is a {item}. send your address, {push}.
can you check the form I sent? {link}. log in with your bank to get {amt}, {push}.
our table has {n} places left, "[everyone pays in, everyone wins|gifts for friends]". you get {amt} back. {hurry}
I sent you a code by mistake, can you send it back? [locked out|so annoying], {hurry}
=[wrong number|not Lena]? oh, sorry! you sound nice though. I'm {me}, [new in town|free {day}], what do you do?
=[Hallo Mama|Hallo Papa], mein Handy ist kaputt, das ist meine neue Nummer. Kannst du {n}00 € überweisen? 😢
"""
SPAM_NOTICE = """
your parcel with the {item} is held at customs. [Pay {fee} now at {link}|Reply now to avoid a fee|{push}].
we missed you {past}. To rebook your parcel, [pay {fee} now at {link}|reply now with your card details].
a card payment of {amt} to {firm} was made {past}. If this was not you, [call {phone}|reply] now with your code.
your account was locked after {n} wrong passwords. To unlock it, reply now with [your code|your card details].
your [tax refund|refund] of {amt} is ready. [Claim it now at {link}|Reply now with your card details].
congratulations, your ticket won.¶Prize: {item}¶Ticket: {ref}¶{push}.
thanks for taking part in our survey. Your {amt} voucher is ready, you pay only the post. {push}.
we received your job application. The post pays {amt} a day from home. {push}.
today's offer: {item} 90% off, only {n} left. {push}. // your loan of {amt} was approved, no checks, {push}.
=Final reminder: your invoice {ref} over {amt} is due. Our account has changed, please pay now to the new one. {firm}
"""
# Nobody could tell the class of these from the text alone; both classes draw on them.
EITHER = """
[can you call me back on {phone}?|please call me back on {phone}.] it's [important|about {day}|about the {item}].
=[Is this|Do I have] the right number for {name}? It's {me}[ from {place}|].
is the {item} still available? {amt}[, can pay {day}| cash|]. // [look at this|is this you]: {link}[ 😂| 😮|]
=[{firm}: |]Your parcel {ref} could not be delivered {past}. [See {link}|Call {phone}].
=[{firm}: |]We tried to reach you about your [account|order|appointment]. Please call {phone}[, ref {ref}|].
"""
# For each class: (bodies, chatty?, upper bound of the draw that takes them).
MIX = {
    "ham": [(HAM_CHAT, True, 0.70), (HAM_NOTICE, False, 0.97), (EITHER, True, 1)],
    "spam": [(SPAM_CHAT, True, 0.46), (SPAM_NOTICE, False, 0.89), (EITHER, True, 1)],
}
ONCE = ("{name}", "{who}", "{me}", "{firm}", "{phone}", "{link}", "{ref}", "{day}")
SHORTHAND = {"you": "u", "please": "pls", "tomorrow": "tmrw", "tonight": "2nite", "thanks": "thx"}
rnd = random.Random(7).random  # the one method whose sequence Python promises to keep


def below(n):
    return int(rnd() * n)


def pick(items):
    return items[below(len(items))]


def pick_template(pool):
    return pick(re.split(r"\n| // ", pool.strip()))


def slot_values():
    values = {slot: pick(words.split(",")) for slot, words in SLOTS.items()}
    hour, minute = below(11) + 8, pick(["00", "15", "30", "45"])
    ref = pick("BDKTX") + pick("AEVW") + str(1000 + below(9000))
    site = pick(["example.com", "https://example.com", "example.org", "www.example.net"])
    values |= {"time": f"{hour}:{minute}", "later": f"{hour + 2}:{minute}", "ref": ref, "link": f"{site}/{ref.lower()}"}
    values |= {"n": str(below(8) + 2), "code": str(100000 + below(900000)), "phone": f"555-01{below(100):02d}"}
    coin, cents = pick("£$€"), pick(["50", "99"])
    return values | {"amt": f"{coin}{below(36) * 5 + 20}", "fee": f"{coin}{below(8) + 2}.{cents}"}


def expand(template):
    template = template.replace("{push}", PUSH).replace("{hurry}", HURRY)
    while "[" in template:
        template = re.sub(r"\[([^\[\]]*)\]", lambda found: pick(found[1].split("|")), template)
    return re.sub(" +", " ", template).replace("¶", "\n")


def assemble(bodies, chatty):
    body = pick_template(bodies)
    if body.startswith("="):
        return expand(body[1:])
    opening, closing = (CHAT_OPEN, CHAT_CLOSE) if chatty else (NOTICE_OPEN, NOTICE_CLOSE)
    parts = [pick_template(opening) if rnd() < 0.55 else "", body, pick_template(closing) if rnd() < 0.5 else ""]
    return expand(" ".join(part for part in parts if part))


def polish(text, chatty):
    starts = r"(^|\n|[.!?:]\s+)([a-z])(?!\S*\.(?:com|org|net))"
    text = re.sub(starts, lambda found: found[1] + found[2].upper(), text).strip()
    if not chatty:
        return text
    if rnd() < 0.3:
        text = text.lower()
    if rnd() < 0.25:
        text = re.sub(r"\w+", lambda found: SHORTHAND.get(found[0], found[0]), text)
    return text.rstrip(".") if rnd() < 0.5 else text


def message(label):
    draw = rnd()
    bodies, chatty, _ = next(pool for pool in MIX[label] if draw < pool[2])
    template = assemble(bodies, chatty)
    while any(template.count(slot) > 1 for slot in ONCE):
        template = assemble(bodies, chatty)
    text = polish(template.format(**slot_values()), chatty)
    return html.escape(text) if rnd() < 0.04 else text


def make_rows():
    rows = [("", "ham"), ("", "ham")]
    for label, count in ROWS.items():
        texts = {}
        while len(texts) < count:
            texts[message(label)] = label
        rows += texts.items()
        rows += [pick(list(texts.items())) for _ in range(DUPLICATES[label])]
    return [row for _, row in sorted((rnd(), row) for row in rows)]


def main():
    path = Path(__file__).with_name("messages.csv")
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, quoting=csv.QUOTE_MINIMAL, lineterminator="\n")
        writer.writerow(["text", "label"])
        writer.writerows(make_rows())
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
