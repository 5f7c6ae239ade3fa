//! Rules of the Fernet protocol: types, time, scores, phases, quotes, rewards and encodings. Pure.
