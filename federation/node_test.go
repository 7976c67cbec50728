package federation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func readTestNode(t *testing.T, doc string) node {
	t.Helper()
	n, err := readNode([]byte(doc))
	if err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	return n
}

// TestNodeShapes: however one Like is written, it reads the same.
func TestNodeShapes(t *testing.T) {
	const as = "https://www.w3.org/ns/activitystreams#"
	const plain = `{"id":"https://a.example/1","type":"Like","actor":"https://a.example/a","object":"https://b.example/o","to":["https://c.example/t"],"content":"x"}`
	shapes := map[string]string{
		"plain":         plain,
		"white space":   " {\n\"id\" : \"https://a.example/1\",\t\"type\":\"Like\" ,\r\"actor\":\"https://a.example/a\",\"object\": \"https://b.example/o\" ,\"to\":[ \"https://c.example/t\" ],\"content\":\"x\"} ",
		"JSON-LD names": `{"@id":"https://a.example/1","@type":"Like","actor":"https://a.example/a","object":"https://b.example/o","to":"https://c.example/t","content":"x"}`,
		"lists of one":  `{"id":["https://a.example/1"],"type":["Like"],"actor":["https://a.example/a"],"object":[["https://b.example/o"]],"to":["https://c.example/t"],"content":["x"]}`,
		"embedded":      `{"id":"https://a.example/1","type":"Like","actor":{"id":"https://a.example/a","type":"Person"},"object":{"@id":"https://b.example/o"},"to":{"id":"https://c.example/t"},"content":"x"}`,
		"prefixes":      `{"id":"https://a.example/1","@type":"as:Like","as:actor":{"@id":"https://a.example/a"},"as:object":"https://b.example/o","as:to":"https://c.example/t","as:content":{"@value":"x"}}`,
		"expanded": `[{"@id":"https://a.example/1","@type":["` + as + `Like"],"` + as + `actor":[{"@id":"https://a.example/a"}],"` + as + `object":[{"@id":"https://b.example/o"}],` +
			`"` + as + `to":[{"@list":[{"@id":"https://c.example/t"}]}],"` + as + `content":[{"@value":"x","@language":"en"}]}]`,
		"sets":          `{"id":"https://a.example/1","type":{"@set":["Like"]},"actor":{"@set":["https://a.example/a"]},"object":"https://b.example/o","to":{"@list":["https://c.example/t"]},"content":"x"}`,
		"null beside":   `{"id":"https://a.example/1","type":["Like",null],"actor":["https://a.example/a",null],"object":["https://b.example/o"],"to":["https://c.example/t"],"content":null,"contentMap":{"en":"x"},"cc":null}`,
		"language map":  `{"id":"https://a.example/1","type":"Like","actor":"https://a.example/a","object":"https://b.example/o","to":"https://c.example/t","contentMap":{"de":"x","en":"y"}}`,
		"escapes":       `{"\u0069d":"https:\/\/a.example\/1","type":"\u004cike","actor":"https://a.example/a","object":"https://b.example/o","to":"https://c.example/t","content":"\u0078"}`,
		"any context":   `{"@context":{"actor":"https://x.example/evil","id":"type","@context":[1]},"id":"https://a.example/1","type":"Like","actor":"https://a.example/a","object":"https://b.example/o","to":"https://c.example/t","content":"x"}`,
		"link":          `{"id":"https://a.example/1","type":"Like","actor":"https://a.example/a","object":{"type":"Link","href":"https://b.example/o"},"to":"https://c.example/t","content":"x"}`,
		"several types": `{"id":"https://a.example/1","type":["http://schema.org/LikeAction","Like"],"actor":"https://a.example/a","object":"https://b.example/o","to":"https://c.example/t","content":"x"}`,
		"other names":   `{"id":"https://a.example/1","type":"Like","actor":"https://a.example/a","object":"https://b.example/o","to":"https://c.example/t","content":"x","as:as:actor":"y","x:object":"y","as:id":"y","as:type":"y","as:":"y"}`,
	}
	for name, doc := range shapes {
		n := readTestNode(t, doc)
		got := fmt.Sprint(n.id(), " ", n.kind(), " ", n.refs("actor"), n.ref("object"), " ", n.refs("to"), n.text("content"))
		want := "https://a.example/1 Like [https://a.example/a]https://b.example/o [https://c.example/t]x"
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
}

// TestNodeIsNotGuessed: what is not written as the property is not the property.
func TestNodeIsNotGuessed(t *testing.T) {
	n := readTestNode(t, `{"ID":"x","Type":"Like","Actor":"a","oBject":"o","id ":"y"," to":"z"}`)
	if n.id() != "" || n.kind() != "" || n.has("actor") || n.has("object") || n.has("to") {
		t.Errorf("%+v", n)
	}
	for _, doc := range []string{`{"id":5}`, `{"id":["a","b"]}`, `{"id":{"id":"a"}}`, `{"id":{}}`, `{"id":null}`, `{}`, `5`, `true`, `null`, `[]`} {
		if id := readTestNode(t, doc).id(); id != "" {
			t.Errorf("%s has the id %q", doc, id)
		}
	}
	if got := readTestNode(t, `{"object":["a","b"]}`).ref("object"); got != "" {
		t.Errorf("of two objects %q is the one", got)
	}
	if got := readTestNode(t, `{"url":["javascript:x",{"type":"Link","mediaType":"application/x-mpegURL","href":"https://a.example/m"},{"type":"Link","mediaType":"text/html","href":"https://a.example/w"}]}`).page("url"); got != "https://a.example/w" {
		t.Errorf("the page is %q", got)
	}
	if got := readTestNode(t, `{"url":{"href":"https://a.example/m"},"published":"2026-03-01T12:00:00.123+01:00","updated":"yesterday"}`); got.page("url") != "https://a.example/m" ||
		!got.time("published").Equal(time.Date(2026, 3, 1, 11, 0, 0, 123e6, time.UTC)) || !got.time("updated").IsZero() {
		t.Errorf("%+v", got)
	}
}

// TestNodeSkipsContexts: a context has terms that differ only in their case, in Fedify 2.3.6 and others.
func TestNodeSkipsContexts(t *testing.T) {
	for _, doc := range []string{
		`{"@context":["https://www.w3.org/ns/activitystreams",{"QuoteAuthorization":"q:Q","quoteAuthorization":{"@id":"q:q","@type":"@id"},"x":null,"y":1.5e3}],"id":"a"}`,
		`{"id":"a","@context":{"a":1,"A":[{"b]}":"\"}"},{}],"a":{}}}`,
		`{"@context":"https://www.w3.org/ns/activitystreams","id":"a"}`, `{"id":"a","@context":null}`, `{"@context":[],"id":"a"}`,
		"{ \"@context\" : [ 1 , { } ] , \"id\" : \"a\" , \"object\" : { \"@context\" : { } } }",
	} {
		if n := readTestNode(t, doc); n.id() != "a" {
			t.Errorf("%s: %+v", doc, n)
		}
	}
}

// TestNodeRefusesTwoMeanings: two readers could take two things from each of these (the JSON-LD trap of
// GHSA-rwcw-vq68-g34p, and what readers do that ignore the case of names).
func TestNodeRefusesTwoMeanings(t *testing.T) {
	for _, doc := range []string{
		`{"actor":"a","actor":"b"}`, `{"actor":"a","Actor":"a"}`, `{"actor":"a","Actor":"b"}`, `{"id":"a","@id":"b"}`,
		`{"type":"a","@type":"b"}`, `{"actor":"a","as:actor":"b"}`, `{"object":{"id":"a","ID":"b"}}`, `{"ID":"a","@id":"b"}`,
		`{"actor":"a","https://www.w3.org/ns/activitystreams#actor":"b"}`, `{"a":[{"x":1},{"id":1,"\u0069d":2}]}`,
		`{"publicKey":1,"https://w3id.org/security#publicKey":2}`, `{"actor":null,"actor":"b"}`, `{"k":1,"\u212a":2}`,
	} {
		if n, err := readNode([]byte(doc)); !errors.Is(err, errAmbiguous) {
			t.Errorf("%s: %+v, %v", doc, n, err)
		}
	}
	for _, doc := range []string{`{"id":"a","@id":"a"}`, `{"actor":["a"],"as:actor":"a"}`, `{"featured":{"id":"x"},"toot:featured":{"@id":"x"}}`} {
		if n := readTestNode(t, doc); len(n.fields) != 1 {
			t.Errorf("%s: %+v", doc, n)
		}
	}
	var wide []string
	for i := range maxNames + 1 {
		wide = append(wide, fmt.Sprintf(`"n%d":1`, i))
	}
	if _, err := readNode([]byte("{" + strings.Join(wide, ",") + "}")); err == nil {
		t.Error("an object of any width is read")
	}
	if _, err := readNode([]byte("{" + strings.Join(wide[1:], ",") + "}")); err != nil {
		t.Error(err)
	}
	for _, doc := range []string{`[{},{}]`, `{`, `{} {}`, ``, "{\"a\":\"\xff\"}", strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1)} {
		if _, err := readNode([]byte(doc)); err == nil {
			t.Errorf("%s is read", doc)
		}
	}
}

// TestActorInOneSpelling: an actor's document whose id can be read in two ways is nobody's.
func TestActorInOneSpelling(t *testing.T) {
	doc := `{"id":"https://evil.example/u","ID":"https://b.example/users/bob","type":"Person","inbox":"https://evil.example/i"}`
	if _, err := parseActor(json.RawMessage(doc)); err == nil {
		t.Error("it is an actor")
	}
	if id := idOf([]byte(doc)); id != "" {
		t.Errorf("its id is %s", id)
	}
	if owner := keyOwner([]byte(doc)); owner != "" {
		t.Errorf("its owner is %s", owner)
	}
}

// seeds adds all payloads to a fuzz target.
func seeds(f *testing.F) {
	f.Helper()
	for _, path := range payloadFiles(f, payloadFolder, ".json") {
		body, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(body))
	}
}

// FuzzNode: the normal form of a document is read as what it was made from, and is its own normal form.
func FuzzNode(f *testing.F) {
	seeds(f)
	f.Add(`[[{"@value":{"@list":[1,{"@set":[null,"x"]}]}}]]`)
	f.Add(`{"as:as:actor":1,"as:actor":[2,true,-1e5,{}],"":"","@context":{"a":"b"},"contentMap":{"en":"\ud800<"}}`)
	f.Fuzz(func(t *testing.T, body string) {
		n, err := readNode([]byte(body))
		if err != nil {
			return
		}
		once := n.appendJSON(nil)
		if !json.Valid(once) {
			t.Fatalf("%q became %q", body, once)
		}
		again, err := readNode(once)
		if err != nil || !reflect.DeepEqual(n, again) {
			t.Fatalf("%q became %q, which is read as\n%+v\nand not\n%+v: %v", body, once, again, n, err)
		}
		if twice := again.appendJSON(nil); !bytes.Equal(once, twice) {
			t.Fatalf("%q became %q and then %q", body, once, twice)
		}
	})
}

// FuzzActivity: what is decided of an activity before anything is verified neither panics nor asks anybody, and is the
// same each time and for its normal form.
func FuzzActivity(f *testing.F) {
	seeds(f)
	f.Add(aboutUs)
	f.Add(`{"@context":["https://www.w3.org/ns/activitystreams",{"a":{"@id":"b"}}],"@id":"x","@type":["Undo"],"actor":[{"id":"https://a.example/users/alice"}],"object":{"type":"Follow","object":[{"id":"y"}]}}`)
	f.Add(`{"type":"Create","actor":"https://a.example/u","object":{"inReplyTo":["` + testBase + `/posts/x"],"tag":[{"href":1},null,[]]}}`)
	d := newDaemon(f)
	d.announce(helloKey)
	if _, err := d.s.PublishDue(f.Context()); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string) {
		a, err := parseActivity([]byte(body))
		if err != nil {
			return
		}
		if a.actor == "" || a.typ == "" || hostOf(a.actor) == "" {
			t.Errorf("%q gave %+v", body, a)
		}
		first := decisions(t, d.s, a)
		if again := decisions(t, d.s, a); again != first {
			t.Errorf("%q: %s, then %s", body, first, again)
		}
		normal, err := parseActivity(a.doc.appendJSON(nil))
		if err != nil {
			t.Fatalf("%q in its normal form: %v", body, err)
		}
		if again := decisions(t, d.s, normal); again != first {
			t.Errorf("%q: %s, in its normal form %s", body, first, again)
		}
	})
}

// decisions are all that is decided of an activity with what is known here.
func decisions(t *testing.T, s *Server, a *activity) string {
	t.Helper()
	var all []any
	note := func(v any, err error) {
		if err != nil {
			t.Errorf("%s: %v", a.body, err)
		}
		all = append(all, v)
	}
	k := s.kindOf(a.typ)
	note(s.isDropped(a, k))
	note(s.aboutStranger(a))
	note(s.undoesFollow(a))
	_, found, err := s.undoneMark(a)
	note(found, err)
	for _, n := range append(a.doc.all("object"), a.doc) {
		kind, object := s.answers(n)
		_, why, err := s.reactedTo(a, object)
		note(fmt.Sprint(kind, object, why), err)
		all = append(all, isVote([]node{n}), s.isDirect(n), n.isOpen(), contentOf(n), n.page("url"), n.time("published"), titleOf(n))
	}
	typ, object := s.describer().document(a.doc)
	return fmt.Sprint(append(all, a.id, a.typ, a.actor, a.forwarded, a.instrument(), slices.Clone(a.doc.kinds()), typ, object)...)
}
