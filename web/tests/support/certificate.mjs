// A certificate for 127.0.0.1 that nobody has signed, for the products and for the clients that are
// told to trust it.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const KIND = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
const NAMES = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];

/** Makes it in `folder`; returns the paths of certificate and key, both in PEM. */
export async function makeCertificate(folder) {
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const args = ["req", "-x509", "-days", "2", ...KIND, ...NAMES, "-keyout", key, "-out", cert];
  await promisify(execFile)("openssl", args);
  return { cert, key };
}
