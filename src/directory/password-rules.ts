/** Which passwords are strong enough, by the rules of the wire's reference. */

const kinds = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^A-Za-z0-9]/]

/** 8 to 32 characters of two kinds, none three times running, and neither the account nor its reverse. */
export function isStrongPassword(password: string, account: string): boolean {
  const [folded, name] = [password.toLowerCase(), account.toLowerCase()]
  return (
    password.length >= 8 &&
    password.length <= 32 &&
    kinds.filter((kind) => kind.test(password)).length >= 2 &&
    !/(.)\1\1/su.test(password) &&
    folded !== name &&
    folded !== [...name].toReversed().join('')
  )
}
