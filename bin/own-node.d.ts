export function ownNode(): string | undefined
