package dev.warren.session;

final class SessionSerializer {}
