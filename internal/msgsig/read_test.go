package msgsig

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

var edKey = sync.OnceValue(func() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
})

// now is the time of all requests in these tests.
func now() time.Time { return time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC) }

func window() Window {
	return Window{Past: 65 * time.Minute, Future: time.Hour, Expired: 10 * time.Second}
}

// request is a POST to an inbox, not yet signed.
func request() Message {
	body := []byte(`{"id":"https://a.example/1"}`)
	return Message{
		Method: "POST", Base: "https://fedi.example.com", Host: "fedi.example.com", Target: "/users/user/inbox", Body: body,
		Header: http.Header{
			"Date": {"Tue, 24 Nov 2026 10:00:00 GMT"}, "Content-Type": {"application/activity+json"}, "Content-Digest": {Digest(body)},
		},
	}
}

const (
	usual       = `("@method" "@target-uri" "content-digest")`
	usualParams = `;created=1795514400;keyid="https://a.example/users/alice#main-key"`
)

// member is one signature of a request, with text written by hand: it shares nothing with what it tests.
func member(m Message, label, input string, values map[string]string, sign func([]byte) []byte) (in, sig string) {
	list := input[1:strings.IndexByte(input, ')')]
	var text strings.Builder
	for _, quoted := range strings.Fields(list) {
		name := strings.Trim(quoted, `"`)
		value, ok := values[name]
		if !ok {
			value = m.Header.Get(name)
		}
		fmt.Fprintf(&text, "%s: %s\n", quoted, value)
	}
	text.WriteString(`"@signature-params": ` + input)
	return label + "=" + input, label + "=:" + base64.StdEncoding.EncodeToString(sign([]byte(text.String()))) + ":"
}

func signRSA(text []byte) []byte {
	sum := sha256.Sum256(text)
	value, err := rsa.SignPKCS1v15(nil, rsaKey(), crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return value
}

func signEd25519(text []byte) []byte { return ed25519.Sign(edKey(), text) }

// derivedOf is what the derived components of request() are.
func derivedOf(m Message) map[string]string {
	path, query, _ := strings.Cut(m.Target, "?")
	return map[string]string{
		"@method": m.Method, "@target-uri": m.Base + m.Target, "@authority": "fedi.example.com", "@path": path,
		"@query": "?" + query, "@request-target": m.Target, "@scheme": "https", "host": "fedi.example.com",
		`@method";req`: m.Method, `content-digest";bs`: m.Header.Get("Content-Digest"), `@query-param";name="a`: "b",
	}
}

// signWith signs a request with one signature.
func signWith(m *Message, input string, sign func([]byte) []byte) {
	in, sig := member(*m, "sig1", input, derivedOf(*m), sign)
	m.Header.Set("Signature-Input", in)
	m.Header.Set("Signature", sig)
}

// check is the whole judgement.
func check(m Message, key crypto.PublicKey) error {
	all, err := Read(m, now(), window())
	if err != nil {
		return err
	}
	return all[0].Verify(key)
}

func TestTakesWhatPeersSend(t *testing.T) {
	tests := []struct {
		name, input string
		change      func(*Message)
	}{
		{"Mastodon 4.7", usual + usualParams, nil},
		{"Fedify 2.3", `("@method" "@target-uri" "@authority" "host" "date" "content-digest");alg="rsa-v1_5-sha256"` +
			`;keyid="https://a.example/users/alice#main-key";created=1795514400`, nil},
		{"WordPress", `("@method" "@target-uri" "@authority" "content-digest")` + usualParams + `;alg="rsa-v1_5-sha256"`, nil},
		{"parts of the address", `("@method" "@authority" "@path" "content-digest")` + usualParams, nil},
		{"parts with a query", `("@method" "@authority" "@path" "@query" "content-digest")` + usualParams,
			func(m *Message) { m.Target += "?a=b%20c" }},
		{"target of the request line", `("@method" "@authority" "@request-target" "content-digest")` + usualParams,
			func(m *Message) { m.Target += "?a=b" }},
		{"encoded path and query", usual + usualParams, func(m *Message) { m.Target = "/a%2Fb%20c/%c3%BC?x=%2F&&" }},
		{"SHA-512", usual + usualParams, func(m *Message) {
			sum := digest("sha-512", m.Body)
			m.Header.Set("Content-Digest", "sha-512=:"+base64.StdEncoding.EncodeToString(sum)+":")
		}},
		{"nonce and tag", usual + usualParams + `;nonce="abc";tag="activitypub"`, nil},
		{"expires", usual + usualParams + `;expires=1795514700`, nil},
		{"an hour late", usual + strings.Replace(usualParams, "1795514400", "1795510600", 1), nil},
		{"an hour ahead", usual + strings.Replace(usualParams, "1795514400", "1795517900", 1), nil},
		{"no body", `("@method" "@target-uri")` + usualParams, func(m *Message) {
			m.Method, m.Body = "GET", nil
			m.Header.Del("Content-Digest")
		}},
		{"an empty body", usual + usualParams, func(m *Message) {
			m.Body = []byte{}
			m.Header.Set("Content-Digest", Digest(m.Body))
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := request()
			if test.change != nil {
				test.change(&m)
			}
			signWith(&m, test.input, signRSA)
			if err := check(m, &rsaKey().PublicKey); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(test.input, "alg=") {
				return
			}
			signWith(&m, test.input, signEd25519)
			if err := check(m, edKey().Public()); err != nil {
				t.Errorf("Ed25519: %v", err)
			}
			if err := check(m, &rsaKey().PublicKey); !errors.Is(err, ErrMismatch) {
				t.Errorf("Ed25519 by an RSA key: %v", err)
			}
		})
	}
}

func TestSpellings(t *testing.T) {
	m := request()
	signWith(&m, usual+usualParams, signRSA)
	input, sig := m.Header.Get("Signature-Input"), m.Header.Get("Signature")
	for name, spelt := range map[string][2]string{
		"blanks in the list":       {strings.Replace(input, `("@method" `, `( "@method"   `, 1), sig},
		"blanks before parameters": {strings.ReplaceAll(input, ";", "; "), sig},
		"blanks around":            {" " + input + " ", "  " + sig + " "},
		"parameter of the value":   {input, sig + ";x=1"},
	} {
		m.Header.Set("Signature-Input", spelt[0])
		m.Header.Set("Signature", spelt[1])
		if err := check(m, &rsaKey().PublicKey); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRefuses has what must not be taken, each rightly signed unless the case is about that.
func TestRefuses(t *testing.T) {
	resign := func(input string) func(*Message) { return func(m *Message) { signWith(m, input, signRSA) } }
	header := func(name, old, replacement string) func(*Message) {
		return func(m *Message) {
			resign(usual + usualParams)(m)
			value := m.Header.Get(name)
			if !strings.Contains(value, old) {
				panic(value + " lacks " + old)
			}
			m.Header.Set(name, strings.Replace(value, old, replacement, 1))
		}
	}
	created := func(at string) func(*Message) {
		return resign(usual + strings.Replace(usualParams, "1795514400", at, 1))
	}
	many := strings.Repeat(`"x" `, 41)
	tests := map[string]func(*Message){
		"no Signature":     func(m *Message) { resign(usual + usualParams)(m); m.Header.Del("Signature") },
		"empty input":      header("Signature-Input", "sig1="+usual+usualParams, ""),
		"no dictionary":    header("Signature-Input", "sig1=", "sig1=="),
		"another label":    header("Signature", "sig1", "sig2"),
		"value is a text":  header("Signature", "=:", `="`),
		"empty value":      func(m *Message) { resign(usual + usualParams)(m); m.Header.Set("Signature", "sig1=::") },
		"input is a flag":  header("Signature-Input", "sig1="+usual, "sig1"),
		"input is a text":  header("Signature-Input", usual, `"x"`),
		"too long":         header("Signature-Input", "sig1=", "a"+strings.Repeat("b", maxField)+"=1, sig1="),
		"nine signatures":  header("Signature-Input", "sig1=", "a=1, b=1, c=1, d=1, e=1, f=1, g=1, h=1, sig1="),
		"covers nothing":   resign(`()` + usualParams),
		"no @method":       resign(`("@target-uri" "content-digest")` + usualParams),
		"no address":       resign(`("@method" "content-digest")` + usualParams),
		"address by half":  resign(`("@method" "@authority" "content-digest")` + usualParams),
		"path alone":       resign(`("@method" "@path" "content-digest")` + usualParams),
		"host for address": resign(`("@method" "host" "@path" "content-digest")` + usualParams),
		"query left out": func(m *Message) {
			m.Target += "?a=b"
			resign(`("@method" "@authority" "@path" "content-digest")` + usualParams)(m)
		},
		"no content-digest": resign(`("@method" "@target-uri")` + usualParams),
		"digest of the old kind": func(m *Message) {
			m.Header.Set("Digest", "SHA-256=AAAA")
			resign(`("@method" "@target-uri" "digest")` + usualParams)(m)
		},
		"no digest sent": func(m *Message) { m.Header.Del("Content-Digest"); resign(usual + usualParams)(m) },
		"digest of another body": func(m *Message) {
			m.Header.Set("Content-Digest", Digest([]byte("{}")))
			resign(usual + usualParams)(m)
		},
		"body changed":           func(m *Message) { resign(usual + usualParams)(m); m.Body = append(m.Body, ' ') },
		"method changed":         func(m *Message) { resign(usual + usualParams)(m); m.Method = "PUT" },
		"target changed":         func(m *Message) { resign(usual + usualParams)(m); m.Target += "x" },
		"query added":            func(m *Message) { resign(usual + usualParams)(m); m.Target += "?" },
		"for another server":     func(m *Message) { resign(usual + usualParams)(m); m.Base = "https://other.example" },
		"for another scheme":     func(m *Message) { resign(usual + usualParams)(m); m.Base = "http://fedi.example.com" },
		"covered twice":          resign(`("@method" "@method" "@target-uri" "content-digest")` + usualParams),
		"a field that is not":    resign(`("@method" "@target-uri" "content-digest" "x-missing")` + usualParams),
		"capital name":           resign(`("@method" "@target-uri" "content-digest" "Date")` + usualParams),
		"an answer's component":  resign(`("@method" "@target-uri" "content-digest" "@status")` + usualParams),
		"component of a request": resign(`("@method";req "@target-uri" "content-digest")` + usualParams),
		"component with bytes":   resign(`("@method" "@target-uri" "content-digest";bs)` + usualParams),
		"part of a query":        resign(`("@method" "@target-uri" "content-digest" "@query-param";name="a")` + usualParams),
		"component is a token":   header("Signature-Input", `"@method"`, `method`),
		"too many components":    resign(`("@method" "@target-uri" "content-digest" ` + many + `)` + usualParams),
		"no created":             resign(usual + `;keyid="k"`),
		"created is a text":      resign(usual + `;created="1795514400";keyid="k"`),
		"created is a fraction":  resign(usual + `;created=1795514400.5;keyid="k"`),
		"created is a date":      resign(usual + `;created=@1795514400;keyid="k"`),
		"created too late":       created("1795510400"),
		"created too far ahead":  created("1795518100"),
		"created in 1970":        created("0"),
		"created before 1970":    created("-999999999999999"),
		"expired":                resign(usual + usualParams + `;expires=1795514300`),
		"expiry is a text":       resign(usual + usualParams + `;expires="soon"`),
		"no key":                 resign(usual + `;created=1795514400`),
		"empty key":              resign(usual + `;created=1795514400;keyid=""`),
		"key is a token":         resign(usual + `;created=1795514400;keyid=k`),
		"key too long":           resign(usual + `;created=1795514400;keyid="` + strings.Repeat("k", 3000) + `"`),
		"key twice":              resign(usual + usualParams + `;keyid="https://b.example/k"`),
		"created twice":          resign(usual + usualParams + `;created=1795514400`),
		"label twice":            header("Signature-Input", "sig1=", `sig1=("@method");created=1;keyid="k", sig1=`),
		"label twice in lines": func(m *Message) {
			resign(usual + usualParams)(m)
			m.Header.Add("Signature-Input", `sig1=("@method")`+usualParams)
		},
		"value twice":        func(m *Message) { resign(usual + usualParams)(m); m.Header.Add("Signature", "sig1=:AAAA:") },
		"says PSS":           resign(usual + usualParams + `;alg="rsa-pss-sha512"`),
		"says HMAC":          resign(usual + usualParams + `;alg="hmac-sha256"`),
		"says Ed25519":       resign(usual + usualParams + `;alg="ed25519"`),
		"capital algorithm":  resign(usual + usualParams + `;alg="RSA-v1_5-sha256"`),
		"algorithm is a key": resign(usual + usualParams + `;alg=rsa-v1_5-sha256`),
		"order changed":      header("Signature-Input", `"@method" "@target-uri"`, `"@target-uri" "@method"`),
		"nonce added":        header("Signature-Input", ";created", `;nonce="x";created`),
		"one bit changed":    func(m *Message) { resign(usual + usualParams)(m); flip(m.Header) },
		"signed by somebody else": func(m *Message) {
			signWith(m, usual+usualParams, signEd25519)
		},
		"line break in a component": header("Signature-Input", `"@method"`, "\"@method\n\""),
	}
	for name, prepare := range tests {
		t.Run(name, func(t *testing.T) {
			m := request()
			prepare(&m)
			if err := check(m, &rsaKey().PublicKey); err == nil {
				t.Errorf("taken: %s", m.Header.Get("Signature-Input"))
			}
		})
	}
}

// flip changes one bit of a signature.
func flip(h http.Header) {
	value := []byte(h.Get("Signature"))
	i := len(value) / 2
	if value[i] == 'A' {
		value[i] = 'B'
	} else {
		value[i] = 'A'
	}
	h.Set("Signature", string(value))
}

// TestSeveralSignatures: of several the ones that do are returned in order, and none is put together from two.
func TestSeveralSignatures(t *testing.T) {
	m := request()
	var inputs, values []string
	for label, input := range map[string]string{
		"a": `("@method" "@authority")` + usualParams,
		"b": usual + strings.Replace(usualParams, "a.example", "b.example", 1),
		"c": usual + strings.Replace(usualParams, "1795514400", "1", 1),
	} {
		in, sig := member(m, label, input, derivedOf(m), signRSA)
		inputs, values = append(inputs, in), append(values, sig)
	}
	m.Header["Signature-Input"], m.Header["Signature"] = inputs, values
	got, err := Read(m, now(), window())
	if err != nil || len(got) != 1 || got[0].Label != "b" || got[0].KeyID != "https://b.example/users/alice#main-key" {
		t.Fatalf("%+v %v", got, err)
	}
	if err := got[0].Verify(&rsaKey().PublicKey); err != nil {
		t.Error(err)
	}
	m.Header.Set("Signature", strings.NewReplacer("b=", "x=", "c=", "b=").Replace(strings.Join(values, ", ")))
	if got, err := Read(m, now(), window()); err == nil {
		if err := got[0].Verify(&rsaKey().PublicKey); err == nil {
			t.Error("the value of one signature was taken for another")
		}
	}
}

// TestParametersOfComponents: they are refused before any key is looked for.
func TestParametersOfComponents(t *testing.T) {
	for _, component := range []string{`"@method";req`, `"content-digest";bs`, `"date";sf`, `"date";key="a"`, `"date";tr`} {
		m := request()
		signWith(&m, `("@method" "@target-uri" "content-digest" `+component+`)`+usualParams, signRSA)
		if strings.HasPrefix(component, `"@method"`) || strings.HasPrefix(component, `"content-digest"`) {
			signWith(&m, strings.Replace(usual, strings.Split(component, ";")[0], component, 1)+usualParams, signRSA)
		}
		if _, err := Read(m, now(), window()); err == nil {
			t.Errorf("%s: taken", component)
		}
	}
}

func TestVerifyWithAnotherKind(t *testing.T) {
	m := request()
	signWith(&m, usual+usualParams, signRSA)
	if err := check(m, "a key"); err == nil || errors.Is(err, ErrMismatch) {
		t.Errorf("%v", err)
	}
}

// TestSign has what we send: it is read by ourselves and by the text written by hand.
func TestSign(t *testing.T) {
	for method, want := range map[string]string{
		"GET":  `("@method" "@authority" "@target-uri" "date")`,
		"POST": `("@method" "@authority" "@target-uri" "content-digest" "content-type" "date")`,
	} {
		m := request()
		m.Method, m.Target = method, "/a%2Fb?x=%20"
		m.Header.Del("Content-Digest")
		if method == "GET" {
			m.Body = nil
			m.Header.Del("Content-Type")
		}
		before := len(m.Header)
		fields, err := Signer{KeyID: "https://a.example/users/alice#main-key", Key: rsaKey()}.Sign(m, "NONCE", now())
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Header) != before {
			t.Error("the message's own fields were changed")
		}
		for name := range fields {
			m.Header.Set(name, fields.Get(name))
		}
		if err := check(m, &rsaKey().PublicKey); err != nil {
			t.Errorf("%s: %v", method, err)
		}
		params := usualParams + `;alg="rsa-v1_5-sha256";nonce="NONCE";tag="activitypub"`
		in, sig := member(m, "activitypub", want+params, derivedOf(m), signRSA)
		if fields.Get("Signature-Input") != in || fields.Get("Signature") != sig {
			t.Errorf("%s:\n%v\nwant\n%s\n%s", method, fields, in, sig)
		}
	}
}

func FuzzSignatureInput(f *testing.F) {
	m := request()
	signWith(&m, usual+usualParams, signRSA)
	f.Add(m.Header.Get("Signature-Input"), m.Header.Get("Signature"))
	f.Add(`sig1=("@method" "@target-uri" "content-digest");created=1795514400;keyid="k", b=("x";req)`, "sig1=:AAAA:, b=?1")
	f.Add(`a=(1 2.5 ?1 :AA==: tok "s" @1 %"x");x`, `a="x"`)
	f.Add(`a=("@method"`, `a=:`)
	f.Fuzz(func(t *testing.T, input, signature string) {
		m := request()
		m.Header.Set("Signature-Input", input)
		m.Header.Set("Signature", signature)
		all, err := Read(m, now(), window())
		if err != nil {
			return
		}
		for _, s := range all {
			if s.KeyID == "" || len(s.value) == 0 || !strings.Contains(s.base, "\"@method\": POST\n") {
				t.Errorf("%q was read as %+v", input, s)
			}
			if strings.Count(s.base, "\n\"@signature-params\": ") != 1 {
				t.Errorf("%q makes the text\n%s", input, s.base)
			}
			if s.Verify(edKey().Public()) == nil {
				t.Errorf("%q with %q verifies", input, signature)
			}
		}
	})
}

func FuzzContentDigest(f *testing.F) {
	body := []byte(vectorBody)
	f.Add(Digest(body))
	f.Add(vectorDigest)
	f.Add("sha-256=:AAAA:, sha-512=1")
	f.Fuzz(func(t *testing.T, header string) {
		if CheckDigest([]string{header}, body) != nil {
			return
		}
		if CheckDigest([]string{header}, []byte("another body")) == nil {
			t.Errorf("%q fits two bodies", header)
		}
	})
}

// TestOneByteOff changes every byte of everything that goes into a signature, one at a time.
func TestOneByteOff(t *testing.T) {
	field := func(name string) (func(Message) string, func(*Message, string)) {
		return func(m Message) string { return m.Header.Get(name) }, func(m *Message, s string) { m.Header.Set(name, s) }
	}
	parts := map[string]struct {
		get func(Message) string
		set func(*Message, string)
	}{
		"method": {func(m Message) string { return m.Method }, func(m *Message, s string) { m.Method = s }},
		"target": {func(m Message) string { return m.Target }, func(m *Message, s string) { m.Target = s }},
		"base":   {func(m Message) string { return m.Base }, func(m *Message, s string) { m.Base = s }},
		"host":   {func(m Message) string { return m.Host }, func(m *Message, s string) { m.Host = s }},
		"body":   {func(m Message) string { return string(m.Body) }, func(m *Message, s string) { m.Body = []byte(s) }},
	}
	for _, name := range []string{"Signature-Input", "Signature", "Content-Digest", "Content-Type"} {
		get, set := field(name)
		parts[name] = struct {
			get func(Message) string
			set func(*Message, string)
		}{get, set}
	}
	fresh := func() Message {
		m := request()
		m.Target += "?q=1"
		signWith(&m, `("@method" "@target-uri" "host" "content-type" "content-digest")`+usualParams, signEd25519)
		return m
	}
	key := edKey().Public()
	if err := check(fresh(), key); err != nil {
		t.Fatal(err)
	}
	for name, part := range parts {
		whole := part.get(fresh())
		for i := range len(whole) {
			m := fresh()
			changed := []byte(whole)
			changed[i] ^= 1
			part.set(&m, string(changed))
			if name == "Content-Type" && strings.TrimSpace(string(changed)) == whole {
				continue
			}
			if err := check(m, key); err == nil {
				t.Errorf("%s: byte %d changed to %q: taken", name, i, changed)
			}
		}
	}
}
