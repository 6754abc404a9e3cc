/**
 * The node's side of ZDS, the protocol by which ztunnel learns of the pods whose traffic it is to carry: a socket, and
 * for each connection a conversation in which every answer belongs to its request.
 */
module dev.meshcni.ztunnel {
    requires transitive dev.meshcni.libc;

    exports dev.meshcni.ztunnel;
}
