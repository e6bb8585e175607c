/** Which passwords are strong enough: the rules of the wire's reference, and none of the commonest. */

const kinds = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^A-Za-z0-9]/]
/** So many of the commonest are refused (NIST SP 800-63B-4 3.1.1.2 asks for a list, and leaves its length open). */
const maxCommon = 10_000

/** 8 to 32 characters of two kinds, none three times running, neither the account nor its reverse, and not a common one. */
export async function isStrongPassword(typed: string, account: string): Promise<boolean> {
  const password = inOneForm(typed)
  const [folded, name] = [password.toLowerCase(), account.toLowerCase()]
  return (
    password.length >= 8 &&
    password.length <= 32 &&
    kinds.filter((kind) => kind.test(password)).length >= 2 &&
    !/(.)\1\1/su.test(password) &&
    folded !== name &&
    folded !== [...name].toReversed().join('') &&
    !(await commonPasswords()).has(folded)
  )
}

/** As passwords are hashed and compared: in NFKC, so that one is the same on every keyboard (RFC 8265). */
export function inOneForm(password: string): string {
  return password.normalize('NFKC')
}

let common: Promise<ReadonlySet<string>> | undefined

/** Read at the first password that is set: a server that sets none does without the list's megabyte. */
function commonPasswords(): Promise<ReadonlySet<string>> {
  common ??= import('@zxcvbn-ts/language-common').then(
    // In the order of how common they are.
    ({ dictionary }) => new Set(dictionary['passwords-common'].slice(0, maxCommon)),
  )
  return common
}
