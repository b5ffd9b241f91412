export function startQueue() {}
