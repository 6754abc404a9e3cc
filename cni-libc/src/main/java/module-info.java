/**
 * The functions of the C library that the JDK has no API for, and what is made of them alone: programs that are started
 * without a thread, netlink sockets, and UNIX sockets that keep the bounds of messages. All of it works in the network
 * namespace of the calling thread.
 */
module dev.meshcni.libc {
    requires transitive dev.meshcni.core;
    requires transitive dev.meshcni.netlink;
    requires com.sun.jna;

    exports dev.meshcni.libc;

    // JNA binds the native methods of one class of ours (direct mapping).
    opens dev.meshcni.libc to
            com.sun.jna;
}
