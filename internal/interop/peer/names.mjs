// Names without DNS: TLS connections to the hosts of HOSTS (JSON, name to port) go to that port of this computer.
// All else stays true, certificates too, since names are the only thing that is missing on the loopback interface.
import tls from "node:tls";

const hosts = JSON.parse(process.env.HOSTS ?? "{}");

// name gives a host a port of its own, after the start.
export function name(host, port) {
  hosts[host] = port;
}

const connect = tls.connect;
tls.connect = (options, ...rest) => {
  const port = hosts[options.servername ?? options.host];
  return connect(port ? { ...options, host: "127.0.0.1", hostname: "127.0.0.1", port } : options, ...rest);
};
