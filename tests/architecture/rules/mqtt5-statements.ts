/**
 * The normative statements of MQTT 5 (OASIS standard of 7 March 2019, appendix B), each with the test that holds it or with the reason why
 * it asks nothing of this broker. `tests/architecture/mqtt5-statements.test.ts` sees that none is missing and that the tests are there.
 */

/** How many statements a section has, numbered from 1. */
export const STATEMENTS_OF_SECTIONS: Readonly<Record<string, number>> = {
  '1.5.4': 3,
  '1.5.5': 1,
  '1.5.7': 1,
  '2.1.3': 1,
  '2.2.1': 6,
  '2.2.2': 1,
  '3.1.0': 2,
  '3.1.2': 30,
  '3.1.3': 12,
  '3.1.4': 6,
  '3.2.0': 2,
  '3.2.2': 22,
  '3.3.1': 13,
  '3.3.2': 20,
  '3.3.4': 10,
  '3.4.2': 3,
  '3.5.2': 3,
  '3.6.1': 1,
  '3.6.2': 3,
  '3.7.2': 3,
  '3.8.1': 1,
  '3.8.3': 5,
  '3.8.4': 8,
  '3.9.2': 2,
  '3.9.3': 2,
  '3.10.1': 1,
  '3.10.3': 2,
  '3.10.4': 6,
  '3.11.2': 2,
  '3.11.3': 2,
  '3.12.4': 1,
  '3.14.0': 1,
  '3.14.1': 1,
  '3.14.2': 4,
  '3.14.4': 3,
  '3.15.1': 1,
  '3.15.2': 3,
  '4.1.0': 2,
  '4.2': 1,
  '4.3.1': 1,
  '4.3.2': 5,
  '4.3.3': 13,
  '4.4.0': 2,
  '4.5.0': 2,
  '4.6.0': 6,
  '4.7.0': 1,
  '4.7.1': 2,
  '4.7.2': 1,
  '4.7.3': 4,
  '4.8.2': 6,
  '4.9.0': 3,
  '4.12.0': 7,
  '4.12.1': 2,
  '4.13.1': 1,
  '4.13.2': 1,
  '6.0.0': 4,
};

/** A test that holds a statement: its file and the beginning of its title. */
export interface HoldingTest {
  readonly file: string;
  readonly title: string;
}

const inFile = (file: string) => (title: string) => ({ file, title });
const packets = inFile('tests/acceptance/mqtt/mqtt5-packets.test.ts');
const statements = inFile('tests/acceptance/mqtt/mqtt5-statements.test.ts');
const delivery = inFile('tests/acceptance/mqtt/mqtt5-delivery.test.ts');
const clients = inFile('tests/acceptance/mqtt/mqtt5.test.ts');
const tree = inFile('tests/acceptance/mqtt/tree.test.ts');
const socket = inFile('tests/acceptance/mqtt/websocket.test.ts');
const visits = inFile('tests/integration/mqtt/visits.test.ts');

const OF_CLIENTS = 'what a client owes';
const NOT_THERE = 'appendix B has no statement of this number';
const NO_AUTH = 'this server offers no enhanced authentication, and refuses it (4.12.0-1)';
const NO_SHARED = 'this server offers no shared subscriptions, and refuses them with 0x9E';
const ALL_QOS = 'this server takes every QoS, and retained messages';
const NO_USER_PROPERTIES = 'this server sends no user properties of its own';
const ONE_COPY = 'this server sends one copy with all identifiers (3.3.4-4)';

const refusedConnect = packets('with %s is refused in CONNACK');
const brokenConnect = statements('with %s is refused in CONNACK, and DISCONNECT never follows');
const brokenPacket = packets('that sends %s is told why, and cut');
const otherBroken = statements('that sends %s is told why, hears no more, and is cut');
const small = packets(
  'is refused without a reason where the client wants none, or takes no packet of that size',
);
const smallEnd = statements('is told in DISCONNECT and SUBACK no more than it takes');
const noReasons = statements('that wants no reasons gets none with any acknowledgement');
const handshake = packets(
  'of QoS 2 is a handshake, of which every repetition is answered and none published again',
);
const window = packets('is no more at once than its receive maximum, and goes on with each acknowledgement');
const goesOn = clients(
  'goes on with its subscriptions, their options and what came meanwhile, until a clean start',
);
const again = delivery('gets what it has not acknowledged of QoS %i under the same identifier');
const released = delivery('gets PUBREL again, and not the message, where it had received that');
const renewed = delivery(
  'under a packet identifier that is acknowledged in full is new, whatever its DUP says',
);
const lowerQos = delivery(
  'with QoS %i comes with the lower one of it and what was granted, once, and without DUP',
);
const identifiers = delivery('has an identifier that none under way has');
const properties = clients('of QoS %i brings its properties along, also to who comes later');
const ordered = delivery('keeps its user properties in their order, and so does a will');
const retained = delivery(
  'with RETAIN replaces what was kept; without, it leaves it; with no payload it takes it away',
);
const replaced = delivery('takes the place of the one before it with the same filter, and loses nothing');
const several = delivery('is the same by one SUBSCRIBE of several filters as by several');
const outcomes = packets('say of each filter what became of it');
const asWritten = delivery('is matched as it is written');
const willKept = delivery('with retain %s is kept as that');
const willSaid = clients(
  'brings its properties along; a normal DISCONNECT takes it back, one with will publishes it',
);
const takenOver = packets(
  'whose session another connection takes over is told so, whichever version that has',
);
const assigned = packets('without a client id is told the one it got, with which the session goes on');
const lives = clients('is told how long it still lives, and goes to nobody after that');
const expired = delivery(
  'gets a message again whose life ended after it was sent, and none that was not sent by then',
);
const aliases = delivery('may use every alias that is offered, none of an earlier connection');
const noDisconnect = statements('that is refused lets nothing happen that was sent behind it');
const inOrder = packets('and what follows it at once are answered in order, also a byte at a time');
const fewBytes = statements(
  'is answered with as few bytes as the client takes, and without information for responses',
);
const offers = packets('is answered with what the server offers');
const forbidden = packets(
  'where the client may not is refused by its acknowledgement, and the connection stays',
);
const failed = packets('is over with a PUBREC that fails, and PUBREC for nothing is answered so');

/** By statement, without `MQTT-`: the test that holds it, or why it asks nothing of us. */
export const STATEMENTS: Readonly<Record<string, HoldingTest | string>> = {
  '1.5.4-1': brokenPacket,
  '1.5.4-2': brokenPacket,
  '1.5.4-3': asWritten,
  '1.5.5-1': brokenPacket,
  '1.5.7-1': otherBroken,
  '2.1.3-1': brokenPacket,
  '2.2.1-1': NOT_THERE,
  '2.2.1-2': lowerQos,
  '2.2.1-3': OF_CLIENTS,
  '2.2.1-4': identifiers,
  '2.2.1-5': handshake,
  '2.2.1-6': outcomes,
  '2.2.2-1': statements(
    'is answered with flags that are 0 but for session present, and no properties are a length of 0',
  ),
  '3.1.0-1': statements('%s ends its connection'),
  '3.1.0-2': brokenPacket,
  '3.1.2-1': statements('%s ends its connection'),
  '3.1.2-2': statements('%s ends its connection'),
  '3.1.2-3': refusedConnect,
  '3.1.2-4': goesOn,
  '3.1.2-5': goesOn,
  '3.1.2-6': goesOn,
  '3.1.2-7': visits('whose delay a crash interrupts is published once, when the delay is over'),
  '3.1.2-8': willSaid,
  '3.1.2-9': brokenConnect,
  '3.1.2-10': visits('that was taken back is never published, also after a crash'),
  '3.1.2-11': refusedConnect,
  '3.1.2-12': refusedConnect,
  '3.1.2-13': refusedConnect,
  '3.1.2-14': willKept,
  '3.1.2-15': willKept,
  '3.1.2-16': brokenConnect,
  '3.1.2-17': brokenConnect,
  '3.1.2-18': brokenConnect,
  '3.1.2-19': brokenConnect,
  '3.1.2-20': OF_CLIENTS,
  '3.1.2-21': OF_CLIENTS,
  '3.1.2-22': packets('that is silent for one and a half of its keep-alive is told so, and cut'),
  '3.1.2-23': visits('goes on after a crash with its options, its messages and their properties'),
  '3.1.2-24': packets('is never larger than it takes, and what is goes past it'),
  '3.1.2-25': packets('is never larger than it takes, and what is goes past it'),
  '3.1.2-26': packets('has aliases for as many topics as it takes, and no more'),
  '3.1.2-27': aliases,
  '3.1.2-28': fewBytes,
  '3.1.2-29': noReasons,
  '3.1.2-30': OF_CLIENTS,
  '3.1.3-1': ordered,
  '3.1.3-2': goesOn,
  '3.1.3-3': brokenConnect,
  '3.1.3-4': refusedConnect,
  '3.1.3-5': statements('takes client ids of 1 to 23 letters and digits'),
  '3.1.3-6': statements('takes client ids of 1 to 23 letters and digits'),
  '3.1.3-7': assigned,
  '3.1.3-8': packets('with %s is refused in CONNACK, with a reason'),
  '3.1.3-9': clients('that is delayed is not published where its client comes back'),
  '3.1.3-10': ordered,
  '3.1.3-11': brokenConnect,
  '3.1.3-12': brokenConnect,
  '3.1.4-1': brokenConnect,
  '3.1.4-2': packets('with %s is refused in CONNACK, with a reason'),
  '3.1.4-3': takenOver,
  '3.1.4-4': goesOn,
  '3.1.4-5': offers,
  '3.1.4-6': noDisconnect,
  '3.2.0-1': inOrder,
  '3.2.0-2': brokenPacket,
  '3.2.2-1': statements('is answered with flags that are 0 but for session present'),
  '3.2.2-2': goesOn,
  '3.2.2-3': goesOn,
  '3.2.2-4': OF_CLIENTS,
  '3.2.2-5': OF_CLIENTS,
  '3.2.2-6': brokenConnect,
  '3.2.2-7': brokenConnect,
  '3.2.2-8': packets('with %s is refused in CONNACK, with a reason'),
  '3.2.2-9': ALL_QOS,
  '3.2.2-10': ALL_QOS,
  '3.2.2-11': OF_CLIENTS,
  '3.2.2-12': ALL_QOS,
  '3.2.2-13': ALL_QOS,
  '3.2.2-14': OF_CLIENTS,
  '3.2.2-15': OF_CLIENTS,
  '3.2.2-16': statements('takes client ids of 1 to 23 letters and digits'),
  '3.2.2-17': OF_CLIENTS,
  '3.2.2-18': OF_CLIENTS,
  '3.2.2-19': fewBytes,
  '3.2.2-20': NO_USER_PROPERTIES,
  '3.2.2-21': OF_CLIENTS,
  '3.2.2-22': packets('that is silent for one and a half of its keep-alive is told so, and cut'),
  '3.3.1-1': again,
  '3.3.1-2': lowerQos,
  '3.3.1-3': lowerQos,
  '3.3.1-4': brokenPacket,
  '3.3.1-5': retained,
  '3.3.1-6': retained,
  '3.3.1-7': retained,
  '3.3.1-8': retained,
  '3.3.1-9': clients('with retain handling %i gets retained messages %j times'),
  '3.3.1-10': clients('with retain handling %i gets retained messages %j times'),
  '3.3.1-11': clients('with retain handling %i gets retained messages %j times'),
  '3.3.1-12': clients('with retain as published hears the flag'),
  '3.3.1-13': clients('with retain as published hears the flag'),
  '3.3.2-1': brokenPacket,
  '3.3.2-2': brokenPacket,
  '3.3.2-3': asWritten,
  '3.3.2-4': properties,
  '3.3.2-5': lives,
  '3.3.2-6': lives,
  '3.3.2-7': aliases,
  '3.3.2-8': brokenPacket,
  '3.3.2-9': OF_CLIENTS,
  '3.3.2-10': OF_CLIENTS,
  '3.3.2-11': packets('has aliases for as many topics as it takes, and no more'),
  '3.3.2-12': aliases,
  '3.3.2-13': otherBroken,
  '3.3.2-14': brokenPacket,
  '3.3.2-15': properties,
  '3.3.2-16': properties,
  '3.3.2-17': properties,
  '3.3.2-18': ordered,
  '3.3.2-19': otherBroken,
  '3.3.2-20': properties,
  '3.3.4-1': handshake,
  '3.3.4-2': tree('reaches overlapping subscriptions once, at the highest of their QoS'),
  '3.3.4-3': clients('brings its identifier along, and those of all that match'),
  '3.3.4-4': clients('brings its identifier along, and those of all that match'),
  '3.3.4-5': ONE_COPY,
  '3.3.4-6': brokenPacket,
  '3.3.4-7': packets('too many at once ends the connection'),
  '3.3.4-8': OF_CLIENTS,
  '3.3.4-9': window,
  '3.3.4-10': window,
  '3.4.2-1': forbidden,
  '3.4.2-2': small,
  '3.4.2-3': NO_USER_PROPERTIES,
  '3.5.2-1': forbidden,
  '3.5.2-2': noReasons,
  '3.5.2-3': NO_USER_PROPERTIES,
  '3.6.1-1': otherBroken,
  '3.6.2-1': failed,
  '3.6.2-2': noReasons,
  '3.6.2-3': NO_USER_PROPERTIES,
  '3.7.2-1': handshake,
  '3.7.2-2': noReasons,
  '3.7.2-3': NO_USER_PROPERTIES,
  '3.8.1-1': brokenPacket,
  '3.8.3-1': otherBroken,
  '3.8.3-2': brokenPacket,
  '3.8.3-3': clients('with no local is not for what its own client publishes'),
  '3.8.3-4': brokenPacket,
  '3.8.3-5': brokenPacket,
  '3.8.4-1': outcomes,
  '3.8.4-2': outcomes,
  '3.8.4-3': replaced,
  '3.8.4-4': replaced,
  '3.8.4-5': several,
  '3.8.4-6': outcomes,
  '3.8.4-7': outcomes,
  '3.8.4-8': lowerQos,
  '3.9.2-1': noReasons,
  '3.9.2-2': NO_USER_PROPERTIES,
  '3.9.3-1': outcomes,
  '3.9.3-2': outcomes,
  '3.10.1-1': otherBroken,
  '3.10.3-1': otherBroken,
  '3.10.3-2': brokenPacket,
  '3.10.4-1': outcomes,
  '3.10.4-2': replaced,
  '3.10.4-3': delivery('that ends leaves a handshake that had begun to its end'),
  '3.10.4-4': outcomes,
  '3.10.4-5': outcomes,
  '3.10.4-6': outcomes,
  '3.11.2-1': noReasons,
  '3.11.2-2': NO_USER_PROPERTIES,
  '3.11.3-1': outcomes,
  '3.11.3-2': outcomes,
  '3.12.4-1': inOrder,
  '3.14.0-1': brokenConnect,
  '3.14.1-1': otherBroken,
  '3.14.2-1': brokenPacket,
  '3.14.2-2': otherBroken,
  '3.14.2-3': smallEnd,
  '3.14.2-4': NO_USER_PROPERTIES,
  '3.14.4-1': otherBroken,
  '3.14.4-2': brokenPacket,
  '3.14.4-3': willSaid,
  '3.15.1-1': otherBroken,
  '3.15.2-1': NO_AUTH,
  '3.15.2-2': NO_AUTH,
  '3.15.2-3': NO_AUTH,
  '4.1.0-1': goesOn,
  '4.1.0-2': visits('ends as many seconds after its client left as it asked for, and not before'),
  '4.2-1': socket('a client over WebSocket and one over TCP hear each other'),
  '4.3.1-1': lowerQos,
  '4.3.2-1': identifiers,
  '4.3.2-2': lowerQos,
  '4.3.2-3': again,
  '4.3.2-4': renewed,
  '4.3.2-5': renewed,
  '4.3.3-1': identifiers,
  '4.3.3-2': lowerQos,
  '4.3.3-3': again,
  '4.3.3-4': window,
  '4.3.3-5': released,
  '4.3.3-6': released,
  '4.3.3-7': expired,
  '4.3.3-8': handshake,
  '4.3.3-9': forbidden,
  '4.3.3-10': handshake,
  '4.3.3-11': handshake,
  '4.3.3-12': renewed,
  '4.3.3-13': expired,
  '4.4.0-1': again,
  '4.4.0-2': again,
  '4.5.0-1': goesOn,
  '4.5.0-2': OF_CLIENTS,
  '4.6.0-1': OF_CLIENTS,
  '4.6.0-2': OF_CLIENTS,
  '4.6.0-3': OF_CLIENTS,
  '4.6.0-4': OF_CLIENTS,
  '4.6.0-5': again,
  '4.6.0-6': tree('comes in the order of its publisher, whatever the number'),
  '4.7.0-1': brokenPacket,
  '4.7.1-1': outcomes,
  '4.7.1-2': outcomes,
  '4.7.2-1': tree('of wildcards never matches a topic with $ that is not asked for'),
  '4.7.3-1': brokenPacket,
  '4.7.3-2': brokenPacket,
  '4.7.3-3': forbidden,
  '4.7.3-4': asWritten,
  '4.8.2-1': NO_SHARED,
  '4.8.2-2': NO_SHARED,
  '4.8.2-3': NO_SHARED,
  '4.8.2-4': NO_SHARED,
  '4.8.2-5': NO_SHARED,
  '4.8.2-6': NO_SHARED,
  '4.9.0-1': window,
  '4.9.0-2': window,
  '4.9.0-3': window,
  '4.12.0-1': packets('with %s is refused in CONNACK, with a reason'),
  '4.12.0-2': NO_AUTH,
  '4.12.0-3': OF_CLIENTS,
  '4.12.0-4': NO_AUTH,
  '4.12.0-5': NO_AUTH,
  '4.12.0-6': offers,
  '4.12.0-7': brokenPacket,
  '4.12.1-1': OF_CLIENTS,
  '4.12.1-2': NO_AUTH,
  '4.13.1-1': brokenPacket,
  '4.13.2-1': brokenPacket,
  '6.0.0-1': socket('a message of text ends the connection [MQTT-6.0.0-1]'),
  '6.0.0-2': socket('packets and messages need not have the same borders [MQTT-6.0.0-2]'),
  '6.0.0-3': OF_CLIENTS,
  '6.0.0-4': socket('a wrong token is refused in CONNACK, and without the subprotocol there is no WebSocket'),
};

/** The cases of the Eclipse Paho project's test client of MQTT 5, each with tests of ours for the same. */
export const PAHO_CASES: Readonly<Record<string, HoldingTest | string>> = {
  test_basic: inOrder,
  test_retained_message: retained,
  test_will_message: willSaid,
  test_zero_length_clientid: assigned,
  test_offline_message_queueing: goesOn,
  test_overlapping_subscriptions: tree('reaches overlapping subscriptions once, at the highest of their QoS'),
  test_keepalive: packets('that is silent for one and a half of its keep-alive is told so, and cut'),
  test_redelivery_on_reconnect: again,
  test_subscribe_failure: outcomes,
  test_dollar_topics: tree('of wildcards never matches a topic with $ that is not asked for'),
  test_unsubscribe: replaced,
  test_session_expiry: visits('ends as many seconds after its client left as it asked for, and not before'),
  test_shared_subscriptions: NO_SHARED,
  test_user_properties: ordered,
  test_payload_format: properties,
  test_publication_expiry: lives,
  test_subscribe_options: clients('with retain as published hears the flag'),
  test_subscribe_identifiers: clients('brings its identifier along, and those of all that match'),
  test_request_response: properties,
  test_client_topic_alias: aliases,
  test_server_topic_alias: packets('has aliases for as many topics as it takes, and no more'),
  test_maximum_packet_size: packets('is never larger than it takes, and what is goes past it'),
  test_will_delay: visits(
    'is published after its delay, without it, and not where the client comes back before',
  ),
  test_server_keep_alive: packets('with a long keep-alive is told a shorter one, and else none'),
  test_flow_control1: packets('too many at once ends the connection'),
  test_flow_control2: window,
};
