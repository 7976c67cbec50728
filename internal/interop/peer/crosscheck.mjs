// Signs or judges many requests with signature libraries that share nothing with crier. Reads from standard input
// {"keyID", "privateKey", "publicKey" (PEM), "requests": [{"method", "base", "target", "headers", "body" (base64 or
// null), "now" (Unix milliseconds), "sign"}]}, and writes a list with an answer for each to standard output.
//
// usage: node crosscheck.mjs judge   (answers with the verdicts, see judges.mjs)
//        node crosscheck.mjs sign    (answers with all headers; "sign" is {"library": "misskey", "peertube" or "hms",
//                                     "covered": […], "params": […], "alg", "hide": do not name the algorithm,
//                                     "key": instead of privateKey})
import { createHash } from "node:crypto";
import { text } from "node:stream/consumers";
import { genRFC3230DigestHeader, signAsDraftToRequest } from "@misskey-dev/node-http-message-signatures";
import peertube from "@peertube/http-signature";
import hms from "http-message-signatures";
import { judge } from "./judges.mjs";

const task = JSON.parse(await text(process.stdin));

const signers = {
  async misskey({ request, sign }) {
    const key = { privateKeyPem: sign.key ?? task.privateKey, keyId: task.keyID };
    const { signatureHeader } = await signAsDraftToRequest(structuredClone(request), key, sign.covered);
    return { ...request.headers, signature: signatureHeader };
  },
  async peertube({ request, sign }) {
    const headers = { ...request.headers };
    const outgoing = {
      method: request.method, path: request.url,
      getHeader: (name) => headers[name.toLowerCase()],
      setHeader: (name, value) => { headers[name.toLowerCase()] = value; },
    };
    peertube.signRequest(outgoing, {
      key: task.privateKey, keyId: task.keyID, headers: sign.covered, authorizationHeaderName: "Signature",
      algorithm: "rsa-sha256", hideAlgorithm: sign.hide, expiresIn: 300,
    });
    return headers;
  },
  async hms({ request, base, now, sign }) {
    const key = hms.createSigner(sign.key ?? task.privateKey, sign.alg, task.keyID);
    const signed = await hms.httpbis.signMessage({
      key, fields: sign.covered, params: sign.params,
      paramValues: { created: new Date(now), expires: new Date(now + 300_000), nonce: "n0nce", tag: "test" },
    }, { ...request, url: base + request.url });
    const lower = Object.entries(signed.headers).map(([name, value]) => [name.toLowerCase(), value]);
    return Object.fromEntries(lower);
  },
};

async function signed(evidence) {
  const { request, body, sign, now } = evidence;
  if (body !== null && sign.library === "hms") {
    request.headers["content-digest"] = `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
  } else if (body !== null) {
    request.headers.digest = await genRFC3230DigestHeader(body, "SHA-256");
  }
  Date.now = () => now; // PeerTube's library writes (created) by it
  return await signers[sign.library](evidence);
}

const answers = [];
for (const { method, base, target, headers, body, now, sign } of task.requests) {
  const evidence = {
    request: { method, url: target, headers }, base, body: body === null ? null : Buffer.from(body, "base64"),
    key: task.publicKey, now, sign,
  };
  answers.push(process.argv[2] === "sign" ? await signed(evidence) : await judge(evidence, answers.length));
}
process.stdout.write(JSON.stringify(answers));
