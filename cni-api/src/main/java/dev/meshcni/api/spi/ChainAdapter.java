package dev.meshcni.api.spi;

/** What it takes to live behind one base CNI. */
public interface ChainAdapter {
    /** The base CNI that this adapter answers for, such as {@code ptp}. */
    String name();
}
