package federation

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestDescribe(t *testing.T) {
	const us = testBase + "/users/user"
	follow := `{"id":"https://a.example/1","type":"Follow","actor":"https://a.example/users/alice","object":"` + us + `"}`
	long := strings.Repeat("long ", 100)
	tests := []struct{ body, want string }{
		{follow, "Follow(alice@a.example → user@example.com)"},
		{`{"type":"Accept","actor":"` + us + `","object":` + follow + `}`, "Accept(Follow(alice@a.example → user@example.com))"},
		{`{"type":"Undo","actor":"https://a.example/@alice","object":` + follow + `}`, "Undo(Follow(alice@a.example → user@example.com))"},
		{`{"type":"Undo","object":"https://a.example/1"}`, "Undo(https://a.example/1)"},
		{`{"type":"Create","object":{"type":"Note","id":"https://a.example/n","content":"<p><strong>Hello</strong></p><p>world</p>"}}`, `Create(Note "Hello")`},
		{`{"type":"Create","object":{"type":"Article","name":"Title","content":"text"}}`, `Create(Article "Title")`},
		{`{"type":"Update","object":{"type":"Note","id":"https://a.example/n","content":"<img>"}}`, `Update(Note https://a.example/n)`},
		{`{"type":"Create","object":{"type":"Note","content":"` + long + `"}}`, `Create(Note "` + strings.TrimSpace(long[:60]) + ` …")`},
		{`{"type":"Delete","object":{"type":"Tombstone","id":"` + testBase + `/posts/example.com/hello/"}}`, "Delete(" + testBase + "/posts/example.com/hello/)"},
		{`{"type":"Delete","object":"https://a.example/users/alice"}`, "Delete(alice@a.example)"},
		{`{"type":"Update","object":{"id":"https://a.example/users/alice","type":"Person","name":"Alice"}}`, "Update(Person alice@a.example)"},
		{`{"type":"Announce","object":"` + testBase + `/posts/example.com/hello/"}`, "Announce(" + testBase + "/posts/example.com/hello/)"},
		{`{"type":"Move","object":"https://a.example/users/alice","target":"https://b.example/users/alice"}`, "Move(alice@a.example → alice@b.example)"},
		{`{"type":"Block","actor":"https://a.example/users/alice","object":"` + us + `"}`, "Block(alice@a.example → user@example.com)"},
		{`{"type":"Flag","object":["https://a.example/users/alice","https://a.example/n"]}`, "Flag(alice@a.example, …)"},
		{`{"type":["Like"],"object":[{"id":"https://a.example/n"}]}`, "Like(https://a.example/n)"},
		{`{"@type":"Like","object":{"@id":"https://a.example/n"}}`, "Like(https://a.example/n)"},
		{`{"type":"Like\u001b[31m","object":"https://a.example/\u202etxt\u0007"}`, "Like[31m(https://a.example/txt)"},
		{`{"type":"Create","object":{"type":"Note","content":"a\nb\r\tc"}}`, `Create(Note "a b c")`},
		{`{"type":"Create","object":{"type":"Note","name":[1,{"no":"string"}],"content":"x"}}`, `Create(Note "x")`},
		{`{"@type":["https://www.w3.org/ns/activitystreams#Like"],"https://www.w3.org/ns/activitystreams#object":[{"@id":"https://a.example/n"}]}`, "Like(https://a.example/n)"},
		{`{"type":"Move","object":"` + testBase + `/users/user","target":"https://fedi.new.example/users/user"}`, "Move(user@example.com → me@new.example)"},
		{`{"type":"Like"}`, "Like()"},
		{`{"type":"Follow"}`, "Follow(→)"},
		{`{}`, "?()"}, {`[]`, "?()"}, {`"x"`, "?()"}, {`{"type":1}`, "?()"}, {`not JSON`, "?()"},
	}
	d := describer{
		actor: NewIDs(testBase, "user").Actor(), handle: "user@example.com",
		target: "https://fedi.new.example/users/user", targetHandle: "me@new.example",
	}
	for _, test := range tests {
		typ, object := d.activity([]byte(test.body))
		if got := typ + "(" + object + ")"; got != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.body, got, test.want)
		}
	}
	if typ, object := describe([]byte(follow)); typ != "Follow" || object != "alice@a.example → user@fedi.example.com" {
		t.Errorf("%s(%s)", typ, object)
	}
}

func TestDescribeIsBounded(t *testing.T) {
	nested := strings.Repeat(`{"type":"Undo","object":`, 20) + `"x"` + strings.Repeat("}", 20)
	if typ, object := describe([]byte(nested)); typ != "Undo" || strings.Count(object, "Undo") > maxNested+1 {
		t.Errorf("%s(%s)", typ, object)
	}
	deep := strings.Repeat(`{"type":"Undo","object":`, 5000) + `"x"` + strings.Repeat("}", 5000)
	if typ, _ := describe([]byte(deep)); typ != "?" {
		t.Error(typ)
	}
	_, object := describe([]byte(`{"type":"Like","object":"https://a.example/` + strings.Repeat("ü", 4000) + `"}`))
	if len(object) > maxDescribed+len("…") || !utf8.ValidString(object) {
		t.Errorf("%d bytes", len(object))
	}
}

func TestHandleGuess(t *testing.T) {
	for id, want := range map[string]string{
		"https://a.example/users/alice":          "alice@a.example",
		"https://a.example/@alice":               "alice@a.example",
		"https://a.example/ap/users/1161":        "1161@a.example",
		"https://a.example/u/alice":              "alice@a.example",
		"https://a.example/accounts/alice":       "alice@a.example",
		"https://a.example:8443/users/alice":     "alice@a.example:8443",
		"https://a.example/users/alice/statuses": "https://a.example/users/alice/statuses",
		"https://a.example/":                     "https://a.example/",
		"https://a.example/posts/users/x/y":      "https://a.example/posts/users/x/y",
		"x":                                      "x",
	} {
		if got := (describer{}).name(id); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"a\x00b": "ab", " a \n b ": "a b", "\x1b[2Ja": "[2Ja", "a\u202eb\u2066c\u200f": "abc", "a\u2028b": "a b",
		"\xff\xfeok": "ok", "👩‍👧": "👩‍👧", strings.Repeat("é", 40): strings.Repeat("é", 25) + "…",
	} {
		if got := clean(in, 50); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestCheckJSON(t *testing.T) {
	nest := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for in, want := range map[string]bool{
		`{}`: true, `{"a":"[[[{\"{"}`: true, nest(maxDepth): true, ` 1 `: true,
		nest(maxDepth + 1): false, ``: false, `{}{}`: false, `{} x`: false, `{`: false, "\"\xff\"": false, strings.Repeat("]", 10): false,
		`"` + strings.Repeat("[", 100) + `"`: true,
	} {
		if got := checkJSON([]byte(in)) == nil; got != want {
			t.Errorf("%.40q: %v", in, got)
		}
	}
}

func FuzzDescribe(f *testing.F) {
	f.Add(`{"type":"Accept","object":{"type":"Follow","actor":"https://a.example/users/alice","object":"x"}}`)
	f.Add(`{"type":["Create",1],"object":[{"type":"Note","content":"<p>a</p>"},null]}`)
	f.Add(`{"type":"Move","object":{"id":"\u202e"},"target":["x"]}`)
	f.Fuzz(func(t *testing.T, body string) {
		typ, object := describe([]byte(body))
		if typ == "" || len(typ) > 50 || len(object) > maxDescribed+len("…") {
			t.Errorf("%q: %d and %d bytes", body, len(typ), len(object))
		}
		for _, r := range typ + object {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError && utf8.ValidString(body) && !strings.Contains(body, "\uFFFD") && !strings.Contains(body, `\u`) {
				t.Errorf("%q: %q in %q(%q)", body, r, typ, object)
			}
		}
	})
}
