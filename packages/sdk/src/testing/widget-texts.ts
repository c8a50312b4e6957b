import type { Contract } from '@deskbell/contract/contract.ts'
import type { Output } from '@deskbell/contract/operation.ts'

/** What visitors are asked. The misspelling is part of the contract. */
export const surveyItems = ['satisfaction', 'agentKnowledge', 'agentResposiveness', 'agentFriendliness']
export const surveyValues = ['1', '2', '3', '4', '5']

type Config = Output<Contract['GET /livechat/config']>['config']

/** What a widget is told on every server alike: the settings of one that nobody has configured. */
export function widgetTexts({ showConnecting }: { showConnecting: boolean }): Config {
  return {
    enabled: true,
    settings: { ...settings, showConnecting },
    theme: {
      title: 'Fake desk',
      color: '#C1272D',
      offlineTitle: 'Leave a message',
      offlineColor: '#666666',
      position: 'right',
      background: '',
      actionLinks: { webrtc: [], jitsi: [] },
    },
    messages: {
      offlineMessage: '',
      offlineSuccessMessage: '',
      offlineUnavailableMessage: '',
      conversationFinishedMessage: '',
      conversationFinishedText: '',
      transcriptMessage: '',
      registrationFormMessage: '',
      dataProcessingConsentText: '',
    },
    survey: { items: surveyItems, values: surveyValues },
    triggers: [],
    resources: { sound: '/sounds/chime.mp3', emojis: [] },
  }
}

const settings = {
  registrationForm: true,
  allowSwitchingDepartments: true,
  nameFieldRegistrationForm: true,
  emailFieldRegistrationForm: true,
  displayOfflineForm: true,
  videoCall: false,
  fileUpload: true,
  language: '',
  transcript: false,
  historyMonitorType: 'url',
  forceAcceptDataProcessingConsent: false,
  agentHiddenInfo: false,
  clearLocalStorageWhenChatEnded: false,
  limitTextLength: false,
  hiddenSystemMessages: ['uj', 'ul', 'livechat-close'],
  livechatLogo: {},
  hideWatermark: false,
  visitorsCanCloseChat: true,
}
