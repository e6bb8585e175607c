/** Finds the text that a phone would offer to fill in from a message with a code, as a hint for the operator. */

/**
 * Words by which phones and other programs recognise a code: iOS by "code", "passcode" and "password"
 * (gist.github.com/MojtabaHs/8bb38158141e5b173ba18248ab69ddb8), programs on Android by all of these
 * (github.com/jd1378/otphelper, CodeExtractor).
 */
const codeWords =
  /验证码|校验码|动态密码|动态码|一次性密码|确认码|安全码|口令|\b(?:pass)?code\b|\bpassword\b|\botp\b|\bpin\b/gi
/** The most characters between a word and its code, about as many as those programs allow. */
const near = 40

/** `@host #code`, perhaps with an embedded host and more. It must be the last line (WICG sms-one-time-codes 2.3). */
const boundLine = /^@([^\s@]+) #(\S+)/
/**
 * The hash by which Google Play services recognise an app: eleven characters of Base64, not a plain word. The message may
 * have 140 bytes (developers.google.com/identity/sms-retriever/verify).
 */
const hashLine = /^(?=.[a-z]{0,9}[A-Z0-9+/])[A-Za-z0-9+/]{11}$/
const maxRetrieved = 140

/** The line that binds the code to a host, if the text ends in one. */
export function boundLineOf(text: string): string | undefined {
  const last = text.split('\n').at(-1)!
  return boundLine.test(last) ? last : undefined
}

/**
 * @param code  As in the text; '' if the message has none.
 * @returns Hints for the operator; none if phones offer the code and nothing else.
 */
export function pickUpsFrom(text: string, code: string): readonly string[] {
  const lines = text.split('\n')
  const notes: string[] = []
  const bound = boundLine.exec(lines.at(-1)!)
  if (bound) {
    const [, host, token] = bound
    notes.push(
      token === code
        ? `is bound to ${host}: iPhones offer the code on that site and in its apps alone`
        : `binds other than the code to ${host}: the last line must be "@${host} #{{ code }}"`,
    )
  } else if (lines.some((line) => line.startsWith('@')))
    notes.push('binds nothing: "@host #{{ code }}" must be the last line, with one space between')
  const hash = lines.find((line) => hashLine.test(line))
  if (hash !== undefined)
    notes.push(
      Buffer.byteLength(text) > maxRetrieved
        ? `may not reach the Android app of ${hash}: it has ${Buffer.byteLength(text)} bytes, and Google asks for at most ${maxRetrieved}`
        : `is read by the Android app of ${hash} itself`,
    )
  const said = lines
    .filter((line, i) => !hashLine.test(line) && !(bound && i === lines.length - 1))
    .join('\n')
  const groups = groupsIn(said).toSorted((one, other) => one.distance - other.distance)
  const others = [...new Set(groups.filter(({ digits }) => digits !== code).map(({ digits }) => digits))]
  const [first] = groups
  if (first && first.distance <= near && first.digits !== code)
    notes.push(`makes phones offer ${first.digits}${code && ' instead of the code'}`)
  else if (code && others.length > 0)
    notes.push(`holds ${others.join(', ')} too, which some phones offer instead of the code`)
  else if (code && (first?.distance ?? 0) > near)
    notes.push('has no word such as "code" or 验证码 near the code, so that many phones do not offer it')
  return notes
}

/** Groups of 4 to 8 digits, or as many as a code may have, and how far each is from a word about codes. */
function groupsIn(text: string): { digits: string; distance: number }[] {
  const words = [...text.matchAll(codeWords)].map(
    (word) => [word.index, word.index + word[0].length] as const,
  )
  return [...text.matchAll(/(?<!\d)\d{4,10}(?!\d)/g)].map(({ 0: digits, index }) => {
    const end = index + digits.length
    const distances = words.map(([from, to]) => (to <= index ? index - to : Math.max(0, from - end)))
    return { digits, distance: Math.min(Number.POSITIVE_INFINITY, ...distances) }
  })
}
