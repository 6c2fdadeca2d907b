alter table pending_deliveries drop column destination;
