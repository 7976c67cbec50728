package federation

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

// TestBase58 has the vectors of draft-msporny-base58-03 §5 and Bitcoin's own.
func TestBase58(t *testing.T) {
	for raw, text := range map[string]string{
		"": "", "61": "2g", "626262": "a3gV", "636363": "aPEr", "00": "1", "0000": "11", "00eb15231dfceb60925886b67d065299925915aeb172c06647": "1NS17iag9jJgTHD1VXjvLCEnZuQ3rJDE9L",
		"516b6fcd0f": "ABnLTmg", "bf4f89001e670274dd": "3SEo3LWLoPntC", "572e4794": "3EFU7m", "ecac89cad93923c02321": "EJDM8drfXA6uyA", "10c8511e": "Rt5zm",
		hex.EncodeToString([]byte("Hello World!")):                                 "2NEpo7TZRRrLZSi2U",
		hex.EncodeToString([]byte("The quick brown fox jumps over the lazy dog.")): "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z",
		"0000287fb4cd": "11233QC4",
	} {
		b, err := hex.DecodeString(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := encodeBase58(b); got != text {
			t.Errorf("%s: %q, want %q", raw, got, text)
		}
		if got, err := decodeBase58(text); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%s: %x, want %s (%v)", text, got, raw, err)
		}
	}
	for _, text := range []string{"0", "O", "I", "l", "a b", "a+", "ü", "a\n"} {
		if got, err := decodeBase58(text); err == nil {
			t.Errorf("%q: %x", text, got)
		}
	}
}

func TestMultikey(t *testing.T) {
	// The example of FEP-521a, whose key is that of the did:key specification.
	const example = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
	key, err := parseMultikey(example)
	if err != nil {
		t.Fatal(err)
	}
	ed, ok := key.(ed25519.PublicKey)
	if !ok || multikey(ed) != example {
		t.Fatalf("%T, written again as %s", key, multikey(ed))
	}
	pair := &keyPair(t, 1).PublicKey
	der := x509.MarshalPKCS1PublicKey(pair)
	rsaText := "z" + encodeBase58(slices.Concat([]byte(codeRSA), der))
	if got, err := parseMultikey(rsaText); err != nil || !pair.Equal(got) {
		t.Errorf("RSA: %v", err)
	}
	if !strings.HasPrefix(rsaText, "z4MXj1wBzi9jUsty") { // as all RSA keys of 2048 bits begin
		t.Errorf("RSA: %.30s…", rsaText)
	}
	spki, err := x509.MarshalPKIXPublicKey(pair)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"nothing": "", "prefix alone": "z", "base64": "u7QEB", "no prefix": example[1:], "hex": "fed01", "not base58": "z0OIl",
		"a byte short":       "z" + encodeBase58(slices.Concat([]byte(codeEd25519), ed[1:])),
		"a byte long":        "z" + encodeBase58(slices.Concat([]byte(codeEd25519), ed, []byte{0})),
		"zeros in front":     "z1" + example[1:],
		"a private key":      "z" + encodeBase58(slices.Concat([]byte{0x80, 0x26}, ed)),
		"P-256":              "z" + encodeBase58(slices.Concat([]byte{0x80, 0x24}, ed)),
		"RSA, cut":           "z" + encodeBase58(slices.Concat([]byte(codeRSA), der[:100])),
		"RSA, something on":  "z" + encodeBase58(slices.Concat([]byte(codeRSA), der, []byte{0})),
		"RSA, not PKCS #1":   "z" + encodeBase58(slices.Concat([]byte(codeRSA), spki)),
		"RSA of 512 bits":    "z" + encodeBase58(slices.Concat([]byte(codeRSA), []byte{0x30, 0x48, 0x02, 0x41, 0x00}, bytes.Repeat([]byte{0xc1}, 64), []byte{0x02, 0x03, 1, 0, 1})),
		"too long":           "z" + strings.Repeat("2", 1_000_000),
		"blank at the end":   example + " ",
		"in capital letters": strings.ToUpper(example),
	} {
		if got, err := parseMultikey(text); err == nil {
			t.Errorf("%s: %T", name, got)
		}
	}
}

func FuzzMultikey(f *testing.F) {
	f.Add("z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2")
	f.Add("z" + encodeBase58(slices.Concat([]byte(codeRSA), x509.MarshalPKCS1PublicKey(&testKey().PublicKey))))
	f.Add("z111")
	f.Fuzz(func(t *testing.T, text string) {
		if digits, ok := strings.CutPrefix(text, "z"); ok && len(digits) < maxMultikey {
			if raw, err := decodeBase58(digits); err == nil && encodeBase58(raw) != digits {
				t.Errorf("%q is %x, which is %q", digits, raw, encodeBase58(raw))
			}
		}
		key, err := parseMultikey(text)
		if err != nil {
			return
		}
		if ed, ok := key.(ed25519.PublicKey); ok && multikey(ed) != text {
			t.Errorf("%q is written again as %q", text, multikey(ed))
		}
		if again, err := parseKey(publicKeyPEM(key)); err != nil || publicKeyPEM(again) != publicKeyPEM(key) {
			t.Errorf("%q cannot be stored: %v", text, err)
		}
	})
}
