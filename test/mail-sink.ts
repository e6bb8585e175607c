/** A real SMTP server in the test's own process, which outlives the server under test and keeps all mail. */

import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'

export type Mail = { readonly to: string; readonly messageId: string; readonly code: string | undefined }

export type MailSink = AsyncDisposable & {
  readonly port: number
  readonly mails: Mail[]
  /** Milliseconds before DATA is answered. */
  delayMs: number
}

export async function startMailSink(): Promise<MailSink> {
  const mails: Mail[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onData(stream, session, callback) {
      let text = ''
      stream.on('data', (chunk) => {
        text += chunk
      })
      stream.on('end', () => {
        mails.push({
          to: session.envelope.rcptTo[0]!.address,
          messageId: /^Message-ID: (\S+)/im.exec(text)?.[1] ?? '',
          code: /code is (\d{6})/.exec(text)?.[1],
        })
        setTimeout(callback, sink.delayMs)
      })
    },
  })
  server.on('error', () => undefined) // a client killed mid-way is what these tests are about
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const sink: MailSink = {
    port: (server.server.address() as AddressInfo).port,
    mails,
    delayMs: 0,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => server.close(resolve))
    },
  }
  return sink
}
