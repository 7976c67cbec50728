// Signature libraries that share nothing with crier, as judges of requests {method, url, headers} with lower-case
// header names: those of Misskey and PeerTube for draft-cavage, http-message-signatures for RFC 9421. The evidence
// that a judge gets is {request, body (null for none), base (scheme and host), key (PEM), now (Unix milliseconds)}.
import {
  parseRequestSignature, verifyDigestHeader, verifyDraftSignature,
} from "@misskey-dev/node-http-message-signatures";
import peertube from "@peertube/http-signature";
import hms from "http-message-signatures";

const day = 24 * 3600_000;

// What Misskey and PeerTube ask to be signed, in their servers.
export const covered = (body) => ["(request-target)", "host", "date", ...(body === null ? [] : ["digest"])];

const digestFits = async ({ request, body }) => body === null || await verifyDigestHeader(request, body);

// How old a request is, is no question here: PeerTube's library knows only the clock of this computer. Of the
// digest it knows nothing.
const cavage = {
  async misskey({ request, body, key, now }) {
    const parsed = parseRequestSignature(request, {
      requiredComponents: { draft: covered(body) }, clockSkew: { now: new Date(now), delay: day, forward: day },
    });
    return await verifyDraftSignature(parsed.value, key) && await digestFits({ request, body });
  },
  async peertube({ request, body, key }) {
    const parsed = peertube.parseRequest(request, {
      headers: covered(body), authorizationHeaderName: "signature", clockSkew: Number.MAX_SAFE_INTEGER / 1000,
    });
    return peertube.verifySignature(parsed, key);
  },
};

// The profile that Mastodon 4.5 asks for. The digest is for Misskey's library again.
const rfc9421 = {
  async hms({ request, base, body, key, now }) {
    const verify = hms.createVerifier(key, "rsa-v1_5-sha256");
    const fits = await hms.httpbis.verifyMessage({
      keyLookup: async ({ keyid }) => ({ id: keyid, algs: ["rsa-v1_5-sha256"], verify }),
      requiredFields: ["@method", "@target-uri", ...(body === null ? [] : ["content-digest"])],
      requiredParams: ["created", "keyid"],
      notAfter: new Date(now + day),
    }, { ...request, url: base + request.url });
    return fits === true && await digestFits({ request, body });
  },
};

async function verdict(judge, evidence) {
  try {
    return await judge(evidence) ? "yes" : "no";
  } catch (error) {
    return `no: ${error.message}`;
  }
}

// What is one step away from the request; nobody may take it, save a judge that does not look there.
function falsified({ request: { method, url, headers }, body, base }) {
  const other = (changes) => ({ method, url, headers: { ...headers, ...changes } });
  const lies = [
    { name: "path", request: { ...other({}), url: `/x${url}` } },
    { name: "method", request: { ...other({}), method: method === "POST" ? "PUT" : "POST" } },
    { name: "host", request: other({ host: "other.example" }), base: "https://other.example" },
  ];
  if (url.includes("?")) lies.push({ name: "query", request: { ...other({}), url: `${url}&x` } });
  if (!headers["signature-input"]) {
    lies.push({ name: "date", request: other({ date: new Date(Date.parse(headers.date) - 1000).toUTCString() }) });
  }
  if (body !== null) {
    lies.push({ name: "body", request: other({}), body: Buffer.concat([body, Buffer.from(" ")]), blind: ["peertube"] });
  }
  return lies.map((lie) => ({ blind: [], body, base, ...lie }));
}

// judge asks all judges for their verdicts on a request, as it is and falsified: {verdicts: {name: "yes" or why
// not}, fooled: ["judge: lie"…]}. With a turn it is falsified in one way only, in each at its turn.
export async function judge(evidence, turn) {
  const judges = Object.entries(evidence.request.headers["signature-input"] ? rfc9421 : cavage);
  const verdicts = {}, fooled = [];
  for (const [name, judge] of judges) {
    verdicts[name] = await verdict(judge, evidence);
    const lies = falsified(evidence);
    for (const lie of turn === undefined ? lies : [lies[turn % lies.length]]) {
      if (lie.blind.includes(name)) continue;
      const { request, body, base } = lie;
      if (await verdict(judge, { ...evidence, request, body, base }) === "yes") fooled.push(`${name}: ${lie.name}`);
    }
  }
  return { verdicts, fooled };
}
