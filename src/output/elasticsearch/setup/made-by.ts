/** Marks what setup made, so that it never writes over anything that somebody else did. */
export const MADE_BY = { managed_by: 'auditail' } as const;
