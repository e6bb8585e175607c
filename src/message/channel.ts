/** The media that a message can go by. */

/** `voice` reaches a phone number by a call that reads the message out. */
export const channels = ['sms', 'email', 'voice', 'whatsapp'] as const
export type Channel = (typeof channels)[number]
