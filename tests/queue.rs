//! the queue of a real Postfix through mailtop
