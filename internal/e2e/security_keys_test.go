package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
)

func hmacSignature(r *http.Request, m *message, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signedText(r, m.covers)))
	return fmt.Sprintf(`keyId="%s",algorithm="%s",headers="%s",signature="%s"`,
		m.keyID, m.algorithm, strings.Join(m.covers, " "), base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}
