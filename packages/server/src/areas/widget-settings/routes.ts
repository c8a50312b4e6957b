import type { widgetSettings } from '@deskbell/contract/areas/widget-settings.ts'
import type { Handlers, TokenGuard } from '../../context.ts'
import type { Reader } from '../../database/transaction.ts'
import { agentInfoToWire } from '../agents/wire.ts'
import { fieldToWidget } from '../custom-fields/wire.ts'
import { departmentToPublic } from '../departments/wire.ts'
import { surveyItems, surveyValues } from '../rooms/rooms.ts'
import type { Settings } from '../settings/catalogue.ts'
import { systemAuthor } from '../timeline/timeline.ts'
import { agentToWire, visitorAudience, type Audience } from '../timeline/wire.ts'
import {
  findReturning,
  isDeskOnline,
  listStaffedDepartments,
  listWidgetFields,
  readSettings,
  routingFlags,
  siteUrlFor,
  visitorTextLimit,
  type Returning,
} from './widget-settings.ts'

export const widgetSettingsRoutes: Handlers<typeof widgetSettings> = {
  'GET /livechat/config': async (context, { query, tokens, request }) => {
    const settings = await readSettings(context.read)
    if (!settings.Livechat_enabled) return { config: { enabled: false } }
    const returning = await returningBy(context.read, query.token, tokens)
    return {
      config: {
        enabled: true,
        settings: switchesOf(settings),
        theme: themeOf(settings),
        messages: textsOf(settings),
        survey: { items: [...surveyItems], values: [...surveyValues] },
        triggers: [],
        departments: (await listStaffedDepartments(context.read)).map(departmentToPublic),
        resources: { sound: `${siteUrlFor(settings, context.config, request)}/sounds/chime.mp3`, emojis: [] },
        online: await isDeskOnline(context.read, departmentOf(query.department)),
        customFields: (await listWidgetFields(context.read)).map(fieldToWidget),
        ...(returning !== undefined &&
          returningToWire(returning, await visitorAudience(context.read, returning.visitor.token))),
      },
    }
  },
  'GET /livechat/config/routing': async ({ read }) => ({ config: { ...routingFlags(await readSettings(read)) } }),
}

/** Whether a token is known is told by this answer too, so it counts like an error where it is not. */
async function returningBy(reader: Reader, token: string | null | undefined, tokens: TokenGuard) {
  if (token === undefined || token === null || !tokens.mayLookUp()) return undefined
  const returning = await findReturning(reader, token)
  if (returning === undefined) tokens.noteUnknown()
  return returning
}

/** A host page that names no department sends nothing, null or an empty text. */
function departmentOf(named: string | null | undefined): string | undefined {
  return named === null || named === '' ? undefined : named
}

function switchesOf(settings: Settings) {
  return {
    registrationForm: settings.Livechat_registration_form,
    allowSwitchingDepartments: settings.Livechat_allow_switching_departments,
    nameFieldRegistrationForm: settings.Livechat_name_field_registration_form,
    emailFieldRegistrationForm: settings.Livechat_email_field_registration_form,
    displayOfflineForm: settings.Livechat_display_offline_form,
    videoCall: settings.Omnichannel_call_provider === 'default-provider',
    fileUpload: settings.Livechat_fileupload_enabled && settings.FileUpload_Enabled,
    language: settings.Language,
    transcript: settings.Livechat_enable_transcript,
    historyMonitorType: settings.Livechat_history_monitor_type,
    forceAcceptDataProcessingConsent: settings.Livechat_force_accept_data_processing_consent,
    showConnecting: routingFlags(settings).showConnecting,
    agentHiddenInfo: !settings.Livechat_show_agent_info,
    clearLocalStorageWhenChatEnded: settings.Livechat_clear_local_storage_when_chat_ended,
    limitTextLength: visitorTextLimit(settings) ?? false,
    hiddenSystemMessages: settings.Livechat_hide_system_messages,
    livechatLogo: settings.Assets_livechat_widget_logo,
    hideWatermark: settings.Livechat_hide_watermark,
    visitorsCanCloseChat: settings.Omnichannel_allow_visitors_to_close_conversation,
  }
}

function themeOf(settings: Settings) {
  return {
    title: settings.Livechat_title,
    color: settings.Livechat_title_color,
    offlineTitle: settings.Livechat_offline_title,
    offlineColor: settings.Livechat_offline_title_color,
    position: settings.Livechat_widget_position,
    background: settings.Livechat_background,
    actionLinks: {
      webrtc: [
        {
          actionLinksAlignment: 'flex-start',
          i18nLabel: 'Join_call',
          label: 'Join call',
          method_id: 'joinLivechatWebRTCCall',
        },
        { i18nLabel: 'End_call', label: 'End call', method_id: 'endLivechatWebRTCCall', danger: true },
      ],
      jitsi: [
        { icon: 'icon-videocam', i18nLabel: 'Accept' },
        { icon: 'icon-cancel', i18nLabel: 'Decline' },
      ],
    },
  }
}

function textsOf(settings: Settings) {
  return {
    offlineMessage: settings.Livechat_offline_message,
    offlineSuccessMessage: settings.Livechat_offline_success_message,
    offlineUnavailableMessage: settings.Livechat_offline_form_unavailable,
    conversationFinishedMessage: settings.Livechat_conversation_finished_message,
    conversationFinishedText: settings.Livechat_conversation_finished_text,
    transcriptMessage: settings.Livechat_transcript_message,
    registrationFormMessage: settings.Livechat_registration_form_message,
    dataProcessingConsentText: settings.Livechat_data_processing_consent_text,
  }
}

function returningToWire({ visitor, room, agent, queue }: Returning, audience: Audience) {
  const { email, departmentId } = visitor
  return {
    guest: {
      _id: visitor.id,
      name: visitor.name,
      username: visitor.username,
      token: visitor.token,
      visitorEmails: email === undefined ? undefined : [{ address: email }],
      department: departmentId,
    },
    room: room && {
      _id: room.id,
      departmentId: room.departmentId,
      servedBy: room.servedBy && { ...agentToWire(room.servedBy, audience), ts: room.servedBy.at },
      open: true as const,
      callStatus: room.callStatus,
    },
    agent: agent && agentInfoToWire(agent),
    queueInfo: queue && {
      spot: queue.position,
      message: { text: queue.text, user: { _id: systemAuthor.id, username: systemAuthor.username } },
      estimatedWaitTimeSeconds: queue.waitSeconds,
    },
  }
}
