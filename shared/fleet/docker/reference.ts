/** An image's reference in its parts. dockerode's own splitting takes a registry's port for a tag in some of them. */

/** `tag`: a tag, or a digest with its algorithm (sha256:…); absent: neither was given. */
export type Reference = { readonly repo: string; readonly tag?: string };

export function splitReference(reference: string): Reference {
  const at = reference.indexOf("@");
  if (at >= 0) return { repo: reference.slice(0, at).replace(/:[^/]*$/, ""), tag: reference.slice(at + 1) };
  const colon = reference.lastIndexOf(":");
  if (colon <= reference.lastIndexOf("/")) return { repo: reference };
  return { repo: reference.slice(0, colon), tag: reference.slice(colon + 1) };
}
