/** Where the configuration and the state are where nothing says otherwise. */
export const DEFAULT_CONFIG_FILE = '/etc/auditail/auditail.yaml';
export const DEFAULT_STATE_DIRECTORY = '/var/lib/auditail';
