//! One side of a handshake of Noise by the library `snow`, for a test to talk to: reads and writes lines of hexadecimal.
//!
//! Arguments: `IK` or `XX`, `initiator` or `responder`, the prologue, the private key, and the other side's public key or `-`.
//! Writes each message of the handshake as a line, reads the other side's. Then writes the handshake's hash, a transport message
//! with the text `from snow`, reads one, and writes its text.
use snow::{Builder, HandshakeState};
use std::io::{self, BufRead, Write};

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).expect("hexadecimal")).collect()
}

fn say(bytes: &[u8]) {
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    println!("{text}");
    io::stdout().flush().expect("a reader");
}

fn hear() -> Vec<u8> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).expect("a writer");
    from_hex(line.trim())
}

fn build(arguments: &[String]) -> HandshakeState {
    let name = format!("Noise_{}_25519_ChaChaPoly_SHA256", arguments[1]);
    let (prologue, private, remote) = (from_hex(&arguments[3]), from_hex(&arguments[4]), arguments[5].as_str());
    let known = if remote == "-" { Vec::new() } else { from_hex(remote) };
    let mut builder = Builder::new(name.parse().expect("a name of Noise"))
        .prologue(&prologue)
        .expect("a prologue")
        .local_private_key(&private)
        .expect("a private key");
    if !known.is_empty() {
        builder = builder.remote_public_key(&known).expect("a public key");
    }
    let built = if arguments[2] == "initiator" { builder.build_initiator() } else { builder.build_responder() };
    built.expect("a handshake")
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let mut noise = build(&arguments);
    let mut buffer = [0u8; 65_535];
    while !noise.is_handshake_finished() {
        if noise.is_my_turn() {
            let length = noise.write_message(&[], &mut buffer).expect("a message");
            say(&buffer[..length]);
        } else {
            noise.read_message(&hear(), &mut buffer).expect("the other side's message");
        }
    }
    say(noise.get_handshake_hash());
    let mut transport = noise.into_transport_mode().expect("keys");
    let length = transport.write_message(b"from snow", &mut buffer).expect("a message");
    say(&buffer[..length]);
    let length = transport.read_message(&hear(), &mut buffer).expect("the other side's message");
    say(&buffer[..length]);
}
