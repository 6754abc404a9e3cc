package dev.meshcni.rules;

/** A transport protocol that the rules tell apart. */
public enum TransportProtocol {
    TCP("tcp"),
    UDP("udp");

    private final String label;

    TransportProtocol(String label) {
        this.label = label;
    }

    /** The name in {@code /etc/protocols}, as {@code iptables -p} takes it. */
    public String label() {
        return label;
    }
}
