package dev.meshcni.core;

/** The range of a TCP or UDP port. */
final class Ports {
    static final int MAX = 65535;

    private Ports() {}

    static int check(int port) {
        if (port < 0 || port > MAX) {
            throw new IllegalArgumentException("port " + port + " is not in 0.." + MAX);
        }
        return port;
    }
}
