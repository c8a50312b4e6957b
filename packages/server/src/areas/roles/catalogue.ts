// The roles and permissions of the product, and who holds which until an administrator changes it.

export interface RoleDefinition {
  name: string
  description: string
  /** Ours: it can be neither renamed nor removed. */
  protected: boolean
}

/** The roles of contract §C.11. */
export const roles = {
  admin: { name: 'admin', description: 'Runs this server: accounts, permissions and settings.', protected: true },
  user: { name: 'user', description: 'May log in; every account has it.', protected: true },
  bot: { name: 'bot', description: 'A program that takes part in rooms.', protected: true },
  'livechat-agent': { name: 'livechat-agent', description: 'Answers visitors.', protected: true },
  'livechat-manager': {
    name: 'livechat-manager',
    description: 'Sets up livechat, its agents and its departments.',
    protected: true,
  },
  'livechat-monitor': {
    name: 'livechat-monitor',
    description: 'Watches over the rooms of units and steps in.',
    protected: true,
  },
} as const satisfies Record<string, RoleDefinition>

export type RoleId = keyof typeof roles

const everyAgent = ['livechat-agent', 'livechat-monitor', 'livechat-manager', 'admin'] as const
const agentsAndManagers = ['livechat-agent', 'livechat-manager', 'admin'] as const
const supervisors = ['livechat-monitor', 'livechat-manager', 'admin'] as const
const managers = ['livechat-manager', 'admin'] as const
const administrators = ['admin'] as const

/** Every permission and the roles that hold it on a new server (contract §C.11; those without a row there: admin). */
export const defaultPermissions = {
  'view-l-room': everyAgent,
  'view-livechat-queue': everyAgent,
  'close-livechat-room': everyAgent,
  'on-hold-livechat-room': everyAgent,
  'create-livechat-contact': everyAgent,
  'update-livechat-contact': everyAgent,
  'view-livechat-contact': everyAgent,
  'view-livechat-contact-history': everyAgent,
  'view-omnichannel-contact-center': everyAgent,
  'block-livechat-contact': everyAgent,
  'unblock-livechat-contact': everyAgent,
  'view-livechat-room-customfields': everyAgent,
  'edit-livechat-room-customfields': everyAgent,
  'request-pdf-transcript': everyAgent,
  'view-canned-responses': everyAgent,
  'save-canned-responses': everyAgent,
  'remove-canned-responses': everyAgent,

  'change-livechat-room-visitor': agentsAndManagers,
  'edit-omnichannel-contact': agentsAndManagers,

  'view-livechat-manager': supervisors,
  'view-livechat-rooms': supervisors,
  'close-others-livechat-room': supervisors,
  'on-hold-others-livechat-room': supervisors,
  'save-others-livechat-room-info': supervisors,
  'remove-closed-livechat-rooms': supervisors,
  'view-livechat-analytics': supervisors,
  'transfer-livechat-guest': supervisors,
  'manage-livechat-agents': supervisors,
  'manage-livechat-departments': supervisors,
  'view-livechat-departments': supervisors,
  'add-livechat-department-agents': supervisors,
  'view-livechat-current-chats': supervisors,
  'view-livechat-real-time-monitoring': supervisors,
  'view-livechat-business-hours': supervisors,
  'view-livechat-room-closed-same-department': supervisors,
  'view-livechat-room-closed-by-another-agent': supervisors,
  'view-livechat-reports': supervisors,
  'manage-livechat-canned-responses': supervisors,

  'manage-livechat-managers': managers,
  'view-livechat-triggers': managers,
  'view-livechat-customfields': managers,
  'view-livechat-installation': managers,
  'view-livechat-appearance': managers,
  'view-livechat-webhooks': managers,
  'send-omnichannel-chat-transcript': managers,
  'remove-closed-livechat-room': managers,
  'remove-livechat-department': managers,
  'manage-livechat-units': managers,
  'manage-livechat-monitors': managers,
  'manage-livechat-tags': managers,
  'manage-livechat-priorities': managers,
  'manage-livechat-sla': managers,
  'view-all-canned-responses': managers,
  'save-all-canned-responses': managers,

  // Agents alone, monitors alone: so the contract has it; the wider permissions above cover the others.
  'view-agent-canned-responses': ['livechat-agent'],
  'save-department-canned-responses': ['livechat-monitor'],

  'access-permissions': administrators,
  'api-bypass-rate-limit': administrators,
  'create-personal-access-tokens': administrators,
  'create-user': administrators,
  'delete-user': administrators,
  'edit-other-user-active-status': administrators,
  'edit-other-user-info': administrators,
  'edit-privileged-setting': administrators,
  'manage-email-inbox': administrators,
  'manage-selected-settings': administrators,
  'user-generate-access-token': administrators,
  'view-d-room': administrators,
  'view-full-other-user-info': administrators,
  'view-privileged-setting': administrators,
  'view-statistics': administrators,
  // Ours: the book of who changed what.
  'view-audit-log': administrators,
} as const satisfies Record<string, readonly RoleId[]>
