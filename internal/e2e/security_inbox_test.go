package e2e

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// attack is one hostile activity. Unless it says otherwise it comes from a stranger, rightly signed.
type attack struct {
	name string
	seen string // where the like of it did harm: an advisory, an issue, or who was seen to send it
	body string // with $me, $us, $post, $friend and so on
	from string // "friend", or "neighbour" for somebody else on the friend's server
	bend func(a *arena, p *person, m *message)
	want string // the statuses that are right
	most int    // requests that it may cause at most; 0 where nothing of it is worth one
}

// run sends it and looks at what came of it.
func (k attack) run(a *arena) {
	a.t.Helper()
	var p *person
	switch k.from {
	case "friend":
		p = a.friend
	case "neighbour":
		p = &person{host: a.friend.host, name: "neighbour", key: a.friend.key}
	default:
		p = a.stranger(nil)
	}
	m := a.message(p, k.body)
	if k.bend != nil {
		k.bend(a, p, m)
	}
	before, asked := a.state(), len(a.out.since(0))
	got := a.do(m.request(a.t))
	a.judge(k, before, asked, got)
}

func (a *arena) judge(k attack, before string, asked int, got answer) {
	a.t.Helper()
	if k.seen == "" {
		a.t.Error("the row names no real-world case")
	}
	if !slices.Contains(strings.Fields(k.want), fmt.Sprint(got.status)) {
		a.t.Errorf("answered %d %q, want %s", got.status, got.body, k.want)
	}
	if after := a.state(); after != before {
		a.t.Errorf("what is stored has changed:\n%s\n%s", before, after)
	}
	if caused := a.out.since(asked); len(caused) > k.most {
		a.t.Errorf("it caused %d requests, %d at most are due: %q", len(caused), k.most, caused)
	}
}

const follow = `{"id":"http://$host/1","type":"Follow","actor":"$me","object":"$us"}`

func TestSecurityActivities(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	for _, k := range slices.Concat(impersonations(), ownNames(), contents(), shapes()) {
		t.Run(k.name, func(t *testing.T) {
			b := *a
			b.t = t
			k.run(&b)
			a.serial = b.serial
		})
	}
}

// impersonations say something in somebody else's name, or about what is not theirs.
func impersonations() []attack {
	as := func(actor string) func(*arena, *person, *message) {
		return func(a *arena, p *person, m *message) { m.keyID = a.fill(p, actor) + "#main-key" }
	}
	return []attack{
		{name: "the actor is somebody on another server", seen: "bridgy-fed GHSA-37r7-jqmr-3472",
			body: `{"id":"$friend/2","type":"Undo","actor":"$friend","object":{"type":"Follow","actor":"$friend","object":"$us"}}`, want: "401"},
		{name: "the actor is somebody on the same server", seen: "nextcloud/social #2225; fedify GHSA-6jcc-xgcr-q3h4",
			body: strings.ReplaceAll(follow, "$me", "http://$host/users/bob"), want: "401", most: 2},
		{name: "the key is named as the actor's, but another made the signature", seen: "misskey CVE-2023-49079, CVE-2026-28432",
			body: `{"id":"$friend/3","type":"Undo","actor":"$friend","object":{"type":"Follow","actor":"$friend","object":"$us"}}`,
			bend: as("$friend"), want: "401", most: 2},
		{name: "a neighbour undoes the follow", seen: "wordpress-activitypub #3360", from: "neighbour",
			body: `{"id":"$me/u","type":"Undo","actor":"$me","object":{"id":"$friend/follows/1","type":"Follow","actor":"$friend","object":"$us"}}`,
			want: "202 401", most: 2},
		{name: "a neighbour undoes the follow by its id", seen: "wordpress-activitypub #3360", from: "neighbour",
			body: `{"id":"$me/u2","type":"Undo","actor":"$me","object":"$friend/follows/1"}`, want: "202 401", most: 2},
		{name: "a neighbour deletes the follower", seen: "nextcloud/social #2225; w3c/activitypub #294", from: "neighbour",
			body: `{"id":"$me/d","type":"Delete","actor":"$me","object":"$friend"}`, want: "202 401", most: 2},
		{name: "a stranger deletes our actor", seen: "davecheney/pub #22",
			body: `{"id":"$me/d","type":"Delete","actor":"$me","object":"$us"}`, want: "202 401", most: 1},
		{name: "a stranger deletes our post", seen: "w3c/activitypub #294",
			body: `{"id":"$me/d","type":"Delete","actor":"$me","object":{"id":"$post","type":"Tombstone"}}`, want: "202 401", most: 1},
		{name: "a stranger rewrites our post", seen: "mastodon CVE-2024-37903",
			body: `{"id":"$me/e","type":"Update","actor":"$me","object":{"id":"$post","type":"Note","attributedTo":"$us","content":"bought"}}`,
			want: "202 401", most: 1},
		{name: "a stranger gives the follower a new key", seen: "nextcloud/social #2225; fedify GHSA-q9f8-5hc7-898f",
			body: `{"id":"$me/e","type":"Update","actor":"$me","object":{"id":"$friend","type":"Person","inbox":"$me/inbox","publicKey":{"id":"$friend#main-key","owner":"$friend","publicKeyPem":"x"}}}`,
			want: "202 401", most: 1},
		{name: "a stranger posts in our name", seen: "mastodon CVE-2024-23832",
			body: `{"id":"$me/c","type":"Create","actor":"$me","to":"$us","object":{"id":"$base/posts/blog.example/never/","type":"Note","attributedTo":"$us","content":"x"}}`,
			want: "202 400 401", most: 1},
		{name: "a stranger moves the follower to itself", seen: "mastodon's check of Move (activity/move.rb)",
			body: `{"id":"$me/m","type":"Move","actor":"$me","object":"$friend","target":"$me"}`, want: "202 401", most: 1},
		{name: "a stranger moves us", seen: "mastodon's check of Move (activity/move.rb)",
			body: `{"id":"$me/m","type":"Move","actor":"$me","object":"$us","target":"$me"}`, want: "202 401", most: 2},
		{name: "a stranger pins to our collection", seen: "peertube CVE-2025-32946",
			body: `{"id":"$me/a","type":"Add","actor":"$me","object":"$me/notes/1","target":"$us/collections/featured"}`, want: "202 401", most: 1},
		{name: "an Accept of what was never asked", seen: "pixelfed CVE-2025-30741",
			body: `{"id":"$me/a","type":"Accept","actor":"$me","object":{"id":"$base/activities/x","type":"Follow","actor":"$us","object":"$me"}}`, want: "202 401", most: 2},
		{name: "a Reject of our follower's follow", seen: "nextcloud/social #2225",
			body: `{"id":"$me/r","type":"Reject","actor":"$me","object":{"id":"$friend/follows/1","type":"Follow","actor":"$friend","object":"$us"}}`, want: "202 401", most: 1},
		{name: "passed on with a signature inside", seen: "mastodon CVE-2026-46349; fedify GHSA-9rfg-v8g9-9367",
			body: `{"id":"$friend/9","type":"Undo","actor":"$friend","signature":{"type":"RsaSignature2017","creator":"$friend#main-key","signatureValue":"eA=="},"object":"$friend/follows/1"}`,
			want: "202 401"},
		{name: "the activity hides in a graph", seen: "fedify GHSA-9rfg-v8g9-9367",
			body: `{"@context":"https://www.w3.org/ns/activitystreams","@graph":[{"id":"$friend/9","type":"Undo","actor":"$friend","object":"$friend/follows/1"}]}`, want: "400"},
		{name: "the context gives actor another meaning", seen: "mastodon CVE-2022-24307",
			body: `{"@context":{"actor":"http://x.example/nothing","me":{"@id":"https://www.w3.org/ns/activitystreams#actor","@type":"@id"}},"id":"$friend/9","type":"Undo","actor":"$friend","me":"$me","object":"$friend/follows/1"}`,
			want: "401"},
		{name: "two actors, the second is not the signer", seen: "couchdb CVE-2017-12635 (repeated keys)",
			body: `{"id":"$friend/9","type":"Undo","actor":"$me","actor":"$friend","object":"$friend/follows/1"}`, want: "400 401"},
		{name: "two actors, the first is not the signer", seen: "couchdb CVE-2017-12635 (repeated keys)",
			body: `{"id":"$me/9","type":"Undo","actor":"$friend","actor":"$me","object":{"type":"Follow","actor":"$friend","object":"$us"}}`, want: "202 400 401", most: 1},
		{name: "two actors in different case", seen: "couchdb CVE-2017-12635 (encoding/json takes either case)",
			body: `{"id":"$friend/9","type":"Undo","actor":"$me","ACTOR":"$friend","object":"$friend/follows/1"}`, want: "400 401 202", most: 1},
		{name: "a list of actors", seen: "lemmy, which refuses all but one actor",
			body: `{"id":"$me/9","type":"Undo","actor":["$me","$friend"],"object":"$friend/follows/1"}`, want: "400"},
		{name: "the embedded actor is another", seen: "mastodon CVE-2024-23832",
			body: `{"id":"$me/9","type":"Undo","actor":{"id":"$friend","publicKey":{"id":"$me#main-key"}},"object":"$friend/follows/1"}`, want: "401"},
		{name: "the id is on another server", seen: "bridgy-fed GHSA-37r7-jqmr-3472; mastodon CVE-2024-23832",
			body: strings.Replace(follow, "http://$host/1", "$friend/1", 1), want: "401"},
		{name: "the id is ours", seen: "bridgy-fed GHSA-37r7-jqmr-3472",
			body: strings.Replace(follow, "http://$host/1", "$base/activities/aaaa", 1), want: "401"},
		{name: "a quote of our post by another's post", seen: "mastodon CVE-2026-33869",
			body: `{"id":"$me/q","type":"QuoteRequest","actor":"$me","object":"$post","instrument":"$friend/notes/1"}`, want: "400 401 202", most: 1},
		{name: "a Block of us by a stranger", seen: "mastodon, which severs on Block; here there is nothing to sever",
			body: `{"id":"$me/b","type":"Block","actor":"$me","object":"$us"}`, want: "202", most: 1},
		{name: "the follower's inbox moves to somebody else's server", seen: "nextcloud/social #2225; amplification", from: "friend",
			body: `{"id":"$friend/u$n","type":"Update","actor":"$friend","object":{"id":"$friend","type":"Person","inbox":"http://victim.example/inbox","preferredUsername":"friend"}}`,
			want: "202 400", most: 2},
		{name: "the follower moves elsewhere", seen: "mastodon's Move: the new account has to follow for itself", from: "friend",
			body: `{"id":"$friend/m","type":"Move","actor":"$friend","object":"$friend","target":"http://victim.example/users/x"}`, want: "202 400", most: 1},
	}
}

// ownNames pretend to be us, under every name that we have: a server that believes it asks itself, for ever.
func ownNames() []attack {
	names := []struct{ name, actor, want string }{
		{"our own id", "$us", "401"},
		{"our host in capitals", "http://FEDI.EXAMPLE/users/user", "401"},
		{"our scheme in capitals", "HTTP://fedi.example/users/user", "401"},
		{"our host with a dot at its end", "http://fedi.example./users/user", "401"},
		{"our host with its port", "http://fedi.example:80/users/user", "401"},
		{"our host with an empty port", "http://fedi.example:/users/user", "401"},
		{"our host by another scheme", "https://fedi.example/users/user", "401"},
		{"our host in full-width letters", "http://ｆｅｄｉ.example/users/user", "401"},
		{"our host with a soft hyphen", "http://fedi\u00ad.example/users/user", "401"},
		{"our host with another full stop", "http://fedi。example/users/user", "401"},
		{"where we listen", "http://$listening/users/user", "401"},
		{"where we listen, by a mapped address", "http://[::ffff:127.0.0.1]:$port/users/user", "401"},
	}
	var all []attack
	for _, n := range names {
		all = append(all, attack{name: "the actor is " + n.name, seen: "nextcloud/social #2085; wanderer #1100; mbin #1211",
			body: strings.Replace(strings.Replace(follow, "$me", n.actor, 1), "http://$host/1", "", 1),
			bend: func(a *arena, p *person, m *message) { m.keyID = a.fill(p, n.actor) + "#main-key" }, want: n.want})
	}
	return append(all, attack{name: "the handle's domain shows our own actor", seen: "mastodon CVE-2023-42451; wanderer #1100",
		body: `{"type":"Follow","actor":"http://blog.example/users/user","object":"$us"}`,
		bend: func(a *arena, _ *person, m *message) {
			m.keyID = "http://blog.example/users/user#main-key"
			a.out.handle("blog.example", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", activity)
				_, _ = fmt.Fprint(w, a.do(get(a.t, "/users/user", activity)).body)
			})
		}, want: "401", most: 1})
}

func get(t *testing.T, path, accept string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, "http://fedi.example"+path, nil)
	must(t, err)
	r.Header.Set("Accept", accept)
	return r
}

// contents are rightly signed, and would cost whoever does what they ask.
func contents() []attack {
	list := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	return []attack{
		{name: "an Announce of five thousand things", seen: "mastodon CVE-2022-46405 (a wildcard name, uncontrolled recursion)",
			body: `{"id":"$me/a","type":"Announce","actor":"$me","to":"$us","object":[` + list(5_000, `"http://x%d.victim.example/1"`) + `]}`, want: "202 400", most: 1},
		{name: "a reply whose thread has no end", seen: "peertube CVE-2025-32947",
			body: `{"id":"$me/c","type":"Create","actor":"$me","to":"$us","object":{"id":"$me/n1","type":"Note","attributedTo":"$me","content":"x","inReplyTo":"http://$host/n2","replies":{"type":"Collection","first":{"type":"CollectionPage","next":"http://$host/p2"}}}}`,
			want: "202", most: 2},
		{name: "a poll of ten thousand answers", seen: "mastodon CVE-2026-23962",
			body: `{"id":"$me/q","type":"Create","actor":"$me","to":"$us","object":{"id":"$me/n","type":"Question","attributedTo":"$me","oneOf":[` + list(10_000, `{"name":"%d"}`) + `]}}`,
			want: "202 400", most: 1},
		{name: "pictures and emoji at private addresses", seen: "mastodon CVE-2023-36460 (media of strangers)",
			body: `{"id":"$me/c","type":"Create","actor":"$me","to":"$us","object":{"id":"$me/n","type":"Note","attributedTo":"$me","content":"x","attachment":{"type":"Image","url":"http://metadata.example/"},"tag":{"type":"Emoji","icon":{"url":"http://inside.example/"}}}}`,
			want: "202", most: 1},
		{name: "a context that is to be fetched", seen: "remote contexts of JSON-LD: fedify CVE-2024-39687",
			body: `{"@context":"http://$host/context.jsonld","id":"$me/x","type":"Woof","actor":"$me","object":"$us"}`, want: "202"},
		{name: "ten thousand people are addressed", seen: "mastodon's limit on mentions; delivery amplification",
			body: `{"id":"$me/c","type":"Create","actor":"$me","to":["$us",` + list(10_000, `"http://x%d.victim.example/"`) + `],"object":{"id":"$me/n","type":"Note","attributedTo":"$me","content":"x"}}`,
			want: "202 400", most: 1},
		{name: "a report of everything", seen: "mastodon's Flag from instance actors",
			body: `{"id":"$me/f","type":"Flag","actor":"$me","content":"\u001b[2J","object":["$us","$post",` + list(1_000, `"http://fedi.example/posts/%d"`) + `]}`, want: "202", most: 1},
		{name: "a type that nobody knows", seen: "feditest; every server meets some", body: `{"id":"$me/w","type":"Woof","actor":"$me","object":"$us"}`, want: "202"},
		{name: "a follow of somebody else", seen: "misdirected relay subscriptions (Activity-Relay)",
			body: `{"id":"$me/1","type":"Follow","actor":"$me","object":"$friend"}`, want: "202"},
		{name: "a follow of several others", seen: "nextcloud/social #2225", body: `{"id":"$me/1","type":"Follow","actor":"$me","object":["$us/other","$friend"]}`, want: "202 400", most: 1},
		{name: "the deletion of somebody unknown", seen: "mastodon #25041; feditest #40", body: `{"id":"$me#delete","type":"Delete","actor":"$me","object":"$me"}`, want: "202"},
	}
}

// shapes are no activities, or only to a careless reader.
func shapes() []attack {
	with := func(actor string) string { return `{"type":"Follow","object":"$us","actor":"` + actor + `"}` }
	rows := []struct{ name, seen, body string }{
		{"nothing", "every scanner", ``},
		{"null", "every scanner", `null`},
		{"a list", "litepub batches", `[` + follow + `,` + follow + `]`},
		{"a string", "every scanner", `"Follow"`},
		{"two documents", "GoToSocial, which takes nothing behind the value", follow + follow},
		{"something behind it", "GoToSocial, which takes nothing behind the value", follow + `}`},
		{"half of it", "broken senders", follow[:len(follow)-10]},
		{"a mark of the byte order", "Windows editors", "\ufeff" + follow},
		{"bytes that are no UTF-8", "a reader that mends them reads another name", strings.Replace(follow, "Follow", "Foll\xffow", 1)},
		{"not a number", "encoders of JavaScript and Python", `{"x":NaN,` + follow[1:]},
		{"a comment", "JSON5 readers", `/**/` + follow},
		{"thirty-three lists", "pixelfed's limit of 8", `{"x":` + strings.Repeat("[", 33) + strings.Repeat("]", 33) + `,` + follow[1:]},
		{"ten thousand lists", "jackson CVE-2020-36518; pixelfed's limit of 8", `{"x":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `,` + follow[1:]},
		{"half a million open objects", "recursion without a limit: jackson CVE-2020-36518", strings.Repeat(`{"a":`, 150_000)},
		{"a hundred thousand values", "mastodon CVE-2026-23962", `{"x":[` + strings.Repeat(`1,`, 100_000) + `1],` + follow[1:]},
		{"no type", "every scanner", `{"id":"$me/1","actor":"$me","object":"$us"}`},
		{"a type that is a number", "fuzzers", `{"id":"$me/1","type":7,"actor":"$me","object":"$us"}`},
		{"no actor", "every scanner", `{"id":"$me/1","type":"Follow","object":"$us"}`},
		{"an actor that is a number", "fuzzers", `{"type":"Follow","actor":7,"object":"$us"}`},
		{"an actor without a scheme", "old GNU social", with("$host/users/mallory")},
		{"an actor that is a name", "old GNU social", with("acct:mallory@$host")},
		{"an actor that is a script", "stored XSS (miniflux CVE-2023-27592's kin)", with("javascript:alert(1)//$host")},
		{"an actor that is a file", "owncast #5121", with("file:///etc/passwd")},
		{"an actor of three thousand characters", "bbolt's limit of keys; mastodon CVE-2026-23963", with("http://$host/" + strings.Repeat("a", 3_000))},
		{"an id of three thousand characters", "mastodon CVE-2026-23963", `{"id":"http://$host/` + strings.Repeat("a", 3_000) + `","type":"Follow","actor":"$me","object":"$us"}`},
		{"an actor with a line break", "CRLF injection: mastodon CVE-2023-42450", with(`http://$host/users/a\r\nHost: x`)},
		{"an actor with an escape character", "terminals: CVE-2003-0063", with(`http://$host/users/\u001b]0;x`)},
		{"an actor written from right to left", "Trojan Source CVE-2021-42574", with(`http://$host/users/\u202egpj`)},
		{"an actor with a name and a password", "URL confusion: CVE-2022-27780 (curl)", with("http://friend.example@$host/users/mallory")},
		{"an actor with a backslash", "URL confusion: WHATWG and RFC 3986 readers differ", with(`http://$host\\@friend.example/users/friend`)},
	}
	var all []attack
	for _, r := range rows {
		all = append(all, attack{name: "the body is " + r.name, seen: r.seen, body: r.body, want: "400"})
	}
	return all
}

func TestSecuritySignatures(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	for _, k := range signatures() {
		t.Run(k.name, func(t *testing.T) {
			b := *a
			b.t = t
			k.body = `{"id":"$me/$n","type":"Undo","actor":"$me","object":{"type":"Follow","actor":"$me","object":"$us"}}`
			k.from, k.want = "friend", "401"
			k.run(&b)
			a.serial = b.serial
		})
	}
	// The friend, whose signature was misused in every way, can still leave.
	if got := a.friend.say(a, `{"id":"$me/bye","type":"Undo","actor":"$me","object":{"type":"Follow","actor":"$me","object":"$us"}}`); got != http.StatusAccepted {
		t.Errorf("a right signature afterwards: %d", got)
	}
}

// signatures are wrong or sign too little; each would make the friend leave.
func signatures() []attack {
	covers := func(names ...string) func(*arena, *person, *message) {
		return func(_ *arena, _ *person, m *message) { m.covers = names }
	}
	at := func(d time.Duration) func(*arena, *person, *message) {
		return func(_ *arena, _ *person, m *message) { m.date = m.date.Add(d) }
	}
	header := func(change func(h http.Header)) func(*arena, *person, *message) {
		return func(_ *arena, _ *person, m *message) { m.then = func(r *http.Request) { change(r.Header) } }
	}
	return []attack{
		{name: "none", seen: "misskey CVE-2023-49079", bend: func(_ *arena, _ *person, m *message) { m.unsigned = true }},
		{name: "two of them", seen: "misskey CVE-2026-28432", bend: header(func(h http.Header) { h.Add("Signature", h.Get("Signature")) })},
		{name: "in another header", seen: "go-fed/httpsig, which reads Authorization", bend: header(func(h http.Header) {
			h.Set("Authorization", "Signature "+h.Get("Signature"))
			h.Del("Signature")
		})},
		{name: "a parameter twice", seen: "go-fed/httpsig, which takes the last", bend: header(func(h http.Header) { h.Set("Signature", h.Get("Signature")+`,headers="date"`) })},
		{name: "not of the target", seen: "go-fed/httpsig #6; replay at another address", bend: covers("host", "date", "digest")},
		{name: "not of the host", seen: "replay at another server", bend: covers("(request-target)", "date", "digest")},
		{name: "not of the body", seen: "go-fed/httpsig #6; misskey CVE-2023-49079", bend: covers("(request-target)", "host", "date")},
		{name: "not of the time", seen: "replay for ever", bend: covers("(request-target)", "host", "digest")},
		{name: "of the time alone", seen: "draft-cavage's default list", bend: covers("date")},
		{name: "of yesterday", seen: "replay; mastodon's window", bend: at(-24 * time.Hour)},
		{name: "of tomorrow", seen: "replay; mastodon's window", bend: at(24 * time.Hour)},
		{name: "of another body", seen: "go-fed/httpsig #6 (the digest is never compared)", bend: func(_ *arena, _ *person, m *message) { m.signed = "{}" }},
		{name: "two digests", seen: "readers that look at the first or the last", bend: func(_ *arena, _ *person, m *message) {
			m.header.Set("Digest", "SHA-256=AAAA,SHA-256=AAAA")
		}},
		{name: "a digest of another kind", seen: "pleroma, which took any", bend: func(_ *arena, _ *person, m *message) { m.header.Set("Digest", "MD5=AAAA") }},
		{name: "for another host", seen: "replay at another server", bend: func(_ *arena, _ *person, m *message) { m.host = "other.example" }},
		{name: "for another inbox", seen: "replay at another address", bend: func(_ *arena, _ *person, m *message) {
			m.then = func(r *http.Request) { r.URL.Path = "/inbox" }
		}},
		{name: "an empty one", seen: "fuzzers", bend: header(func(h http.Header) { h.Set("Signature", "") })},
		{name: "not in base64", seen: "fuzzers", bend: header(func(h http.Header) {
			h.Set("Signature", strings.Replace(h.Get("Signature"), `signature="`, `signature="!`, 1))
		})},
		{name: "of zeros", seen: "misskey CVE-2026-28432", bend: func(_ *arena, _ *person, m *message) {
			m.then = func(r *http.Request) {
				head, _, _ := strings.Cut(r.Header.Get("Signature"), `signature="`)
				r.Header.Set("Signature", head+`signature="`+strings.Repeat("A", 342)+`=="`)
			}
		}, most: 1},
		{name: "with the key of an unknown", seen: "misskey CVE-2023-49079", bend: func(_ *arena, _ *person, m *message) {
			m.key, _ = rsa.GenerateKey(rand.Reader, 2048)
		}, most: 1},
		{name: "by an algorithm called none", seen: "JWT CVE-2015-9235's kin", bend: func(_ *arena, _ *person, m *message) {
			m.algorithm = "none"
			m.then = func(r *http.Request) {
				head, _, _ := strings.Cut(r.Header.Get("Signature"), `signature="`)
				r.Header.Set("Signature", head+`signature=""`)
			}
		}},
		{name: "by HMAC with the public key", seen: "algorithm confusion: JWT CVE-2015-9235's kin", bend: func(_ *arena, p *person, m *message) {
			m.algorithm = "hmac-sha256"
			m.then = func(r *http.Request) { r.Header.Set("Signature", hmacSignature(r, m, pemOf(&p.key.PublicKey))) }
		}, most: 1},
		{name: "a key on another server", seen: "fedify GHSA-q9f8-5hc7-898f", bend: func(_ *arena, _ *person, m *message) { m.keyID = "http://evil.example/users/friend#main-key" }},
		{name: "a key without an address", seen: "PeerTube's keyId without a scheme", bend: func(_ *arena, _ *person, m *message) { m.keyID = "friend.example/users/friend" }},
		{name: "a key at a private address", seen: "owncast #5121 (GHSA-fvfm-7j99-r2xv)", bend: func(_ *arena, _ *person, m *message) { m.keyID = "http://169.254.169.254/latest/meta-data/" }},
		{name: "a key that is a name", seen: "acct: keys of the past", bend: func(_ *arena, _ *person, m *message) { m.keyID = "acct:friend@friend.example" }},
		{name: "a key of ours", seen: "nextcloud/social #2085", bend: func(_ *arena, _ *person, m *message) { m.keyID = us + "#main-key" }},
		{name: "RFC 9421, and nonsense", seen: "senders that knock twice (fedify)", bend: header(func(h http.Header) { h.Set("Signature-Input", `sig1=("@method");created=1`) })},
		{name: "RFC 9421 that covers nothing", seen: "fedify 2.3, which took it", bend: header(func(h http.Header) {
			h.Set("Signature-Input", fmt.Sprintf(`sig1=();created=%d;keyid="http://friend.example/users/friend#main-key"`, time.Now().Unix()))
			h.Set("Signature", "sig1=:AAAA:")
		})},
		{name: "a thousand signed headers", seen: "fuzzers", bend: header(func(h http.Header) {
			h.Set("Signature", strings.Replace(h.Get("Signature"), `headers="`, `headers="`+strings.Repeat("x ", 1_000), 1))
		})},
	}
}
